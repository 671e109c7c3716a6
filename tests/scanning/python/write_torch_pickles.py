"""Writes what torch and transformers really write, into the folder given: every file is honest. Prints how many there are."""
import collections
import os
import pathlib
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
warnings.filterwarnings("ignore")
import torch

folder = pathlib.Path(sys.argv[1])
count = 0


def save(name, value, **options):
    global count
    for suffix, how in {"": {}, ".legacy": {"_use_new_zipfile_serialization": False}}.items():
        count += 1
        torch.save(value, folder / f"{name}{suffix}.pt", **how, **options)


kinds = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool,
         torch.complex64, torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32]
save("tensors", {str(kind): torch.zeros(3, 4).to(kind) for kind in kinds})
save("views", [torch.arange(10)[::2], torch.ones(3, 4).t(), torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(3))])
save("types", [torch.float32, torch.Size([1, 2]), torch.device("cpu"), torch.int8])
save("sparse", [torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr()])
save("quantized", [torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
                   torch.quantize_per_channel(torch.ones(2, 2), torch.ones(2), torch.zeros(2).long(), 0, torch.quint8)])
parameter = torch.nn.Parameter(torch.ones(3))
parameter.note = "kept"
save("parameter-with-state", parameter)
tensor = torch.ones(3)
tensor.note = "kept"
save("tensor-with-state", tensor)
save("generator", {"rng": torch.get_rng_state(), "python": __import__("random").getstate(), "numpy": __import__("numpy").random.get_state()})
save("nested", torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))
save("meta", torch.ones(3, device="meta"))

network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Dropout(0.1), torch.nn.LazyLinear(8),
    torch.nn.LayerNorm(8), torch.nn.GELU(), torch.nn.Linear(8, 2), torch.nn.Softmax(1))
network(torch.ones(1, 1, 8, 8))
save("state-dict", network.state_dict())
save("module", network)
save("modules", [torch.nn.LSTM(3, 4, 2), torch.nn.Embedding(5, 3), torch.nn.MultiheadAttention(4, 2), torch.nn.TransformerEncoderLayer(4, 2, 8), torch.nn.ModuleList([torch.nn.Identity()]),
                 torch.nn.ModuleDict({"a": torch.nn.Tanh()}), torch.nn.ParameterList([torch.ones(2)]), torch.nn.CrossEntropyLoss(), torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2)).state_dict()])
for maker in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.NAdam):
    optimizer = maker(network.parameters(), lr=0.1)
    network.eval()(torch.ones(1, 1, 8, 8)).sum().backward()
    optimizer.step()
    save(f"optimizer-{maker.__name__}", optimizer.state_dict())
    save(f"optimizer-whole-{maker.__name__}", optimizer)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
save("scheduler", scheduler.state_dict())
save("scheduler-lambda", torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0).state_dict())
save("checkpoint", {"epoch": 3, "model": network.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "history": collections.defaultdict(list, loss=[1.0])})
save("dataset", torch.utils.data.TensorDataset(torch.ones(3)))

try:
    import transformers
except ImportError:
    transformers = None
if transformers is not None:
    arguments = transformers.TrainingArguments(output_dir="out", report_to=[], use_cpu=True)
    count += 1
    torch.save(arguments, folder / "training_args.bin")
    sequence = transformers.Seq2SeqTrainingArguments(output_dir="out", report_to=[], use_cpu=True)
    count += 1
    torch.save(sequence, folder / "seq2seq_training_args.bin")
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50)
    model = transformers.BertModel(config)
    count += 1
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, 1, 10)
    save("transformers-scheduler", schedule.state_dict())
    trainer = transformers.Trainer(model=model, args=arguments)
    trainer.create_optimizer_and_scheduler(10)
    save("trainer-optimizer", trainer.optimizer.state_dict())
    save("trainer-scheduler", trainer.lr_scheduler.state_dict())
print(count)
