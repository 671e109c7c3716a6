"""push_to_hub of a model of some MiB, and from_pretrained of it; the address and the token come from the environment alone."""
import torch
from transformers import AutoModel, BertConfig, BertModel

config = BertConfig(vocab_size=8_000, hidden_size=512, num_hidden_layers=4, num_attention_heads=8, intermediate_size=2_048)
model = BertModel(config)
model.push_to_hub("ada/bert", private=True)
back = AutoModel.from_pretrained("ada/bert")
own, fetched = model.state_dict(), back.state_dict()
assert own.keys() == fetched.keys()
assert all(torch.equal(own[name], fetched[name]) for name in own)
print("ok")
