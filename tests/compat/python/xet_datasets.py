"""push_to_hub of a data set of some MiB, and load_dataset of it; the address and the token come from the environment alone."""
import random

from datasets import Dataset, load_dataset

random.seed(7)
rows = 150_000
data = {"name": [f"row {i}" for i in range(rows)], "value": [random.random() for _ in range(rows)], "part": [i % 11 for i in range(rows)]}
Dataset.from_dict(data).push_to_hub("ada/rows", private=True)
loaded = load_dataset("ada/rows", split="train")
assert loaded.num_rows == rows, loaded
assert loaded["value"][:] == data["value"] and loaded["name"][:] == data["name"] and loaded["part"][:] == data["part"]
print("ok")
