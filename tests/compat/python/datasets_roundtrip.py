"""push_to_hub and load_dataset, private, also streaming; as the documentation of `datasets` shows it."""
import os

from datasets import Dataset, load_dataset

endpoint = os.environ["HF_ENDPOINT"]
token = os.environ["TOKEN"]
user = os.environ["HUB_USER"]
repo = f"{user}/tides"

rows = {"station": [f"s{i % 7}" for i in range(500)], "height": [i / 10 for i in range(500)]}
Dataset.from_dict(rows).push_to_hub(repo, private=True, token=token)
loaded = load_dataset(repo, split="train", token=token)
assert loaded.num_rows == 500 and loaded[499]["height"] == 49.9, loaded
streamed = load_dataset(repo, split="train", streaming=True, token=token)
assert [row["station"] for _, row in zip(range(8), streamed)] == ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s0"]

# A second push replaces the data of the split.
Dataset.from_dict({"station": ["x"], "height": [1.0]}).push_to_hub(repo, token=token)
again = load_dataset(repo, split="train", token=token, download_mode="force_redownload")
assert again.num_rows == 1, again
print("ok")
