"""push_to_hub and from_pretrained of a tiny model made on the spot, private, with token=."""
import os

import torch
from transformers import AutoConfig, AutoModel, BertConfig, BertModel, BertTokenizerFast

token = os.environ["TOKEN"]
repo = f"{os.environ['HUB_USER']}/tiny-bert"

config = BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
model = BertModel(config)
with open("vocab.txt", "w") as f:
    f.write("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [chr(97 + i) for i in range(25)]))
tokenizer = BertTokenizerFast("vocab.txt")
model.push_to_hub(repo, private=True, token=token)
tokenizer.push_to_hub(repo, token=token)
back = AutoModel.from_pretrained(repo, token=token)
for a, b in zip(model.state_dict().values(), back.state_dict().values()):
    assert torch.equal(a, b)
assert AutoConfig.from_pretrained(repo, token=token).hidden_size == 16
try:
    # A cache of its own: what was fetched with the token would be found there.
    AutoModel.from_pretrained(repo, token=False, cache_dir="elsewhere")
except OSError:
    pass
else:
    raise AssertionError("a private model was readable without a token")
print("ok")
