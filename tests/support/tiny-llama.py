"""Makes a tiny GGUF model with random weights, serves it with llama.cpp at a free port of the loopback, and prints its address. Ends with stdin."""
import sys

import gguf
import numpy as np
import xllamacpp

folder = sys.argv[1]
path = f"{folder}/tiny.gguf"
layers, width, heads, inner, context = 1, 64, 4, 128, 256

tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", "a", "b", "c", "▁a", "▁b"]
types = [2, 3, 3] + [6] * 256 + [1] * 6
rng = np.random.default_rng(7)
writer = gguf.GGUFWriter(path, "llama")
writer.add_name("tiny")
writer.add_context_length(context)
writer.add_embedding_length(width)
writer.add_block_count(layers)
writer.add_feed_forward_length(inner)
writer.add_head_count(heads)
writer.add_head_count_kv(heads)
writer.add_rope_dimension_count(width // heads)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_vocab_size(len(tokens))
writer.add_file_type(0)
writer.add_tokenizer_model("llama")
writer.add_token_list([token.encode() for token in tokens])
writer.add_token_scores([0.0] * len(tokens))
writer.add_token_types(types)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)
writer.add_chat_template("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {% endfor %}assistant:")


def tensor(name, *shape):
    writer.add_tensor(name, (rng.standard_normal(shape) * 0.1).astype(np.float32))


tensor("token_embd.weight", len(tokens), width)
tensor("output.weight", len(tokens), width)
writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
for layer in range(layers):
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, dtype=np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        tensor(f"blk.{layer}.{name}.weight", width, width)
    tensor(f"blk.{layer}.ffn_gate.weight", inner, width)
    tensor(f"blk.{layer}.ffn_up.weight", inner, width)
    tensor(f"blk.{layer}.ffn_down.weight", width, inner)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

params = xllamacpp.CommonParams()
params.model.path = path
params.n_ctx = context
params.n_parallel = 2
params.warmup = False
params.cpuparams.n_threads = 1
params.hostnames = ["127.0.0.1"]
params.port = 0
params.api_keys = ["sk-of-llama"]
server = xllamacpp.Server(params)
print(f"LISTENS {server.listening_address}", flush=True)
sys.stdin.read()
