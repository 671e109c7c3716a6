"""Older transformers and datasets that still take use_auth_token= (UAT-19)."""
import os

from datasets import load_dataset
from huggingface_hub import HfApi
from transformers import AutoConfig, BertConfig

endpoint = os.environ["HF_ENDPOINT"]
token = os.environ["TOKEN"]
user = os.environ["HUB_USER"]

BertConfig(hidden_size=24, num_attention_heads=2).push_to_hub(f"{user}/old-config", private=True, use_auth_token=token)
assert AutoConfig.from_pretrained(f"{user}/old-config", use_auth_token=token).hidden_size == 24

api = HfApi(endpoint=endpoint, token=token)
api.create_repo(f"{user}/old-data", repo_type="dataset", private=True)
api.upload_file(path_or_fileobj=b"a,b\n1,2\n3,4\n", path_in_repo="data.csv", repo_id=f"{user}/old-data", repo_type="dataset")
loaded = load_dataset(f"{user}/old-data", split="train", use_auth_token=token)
assert loaded.num_rows == 2, loaded
print("ok")
