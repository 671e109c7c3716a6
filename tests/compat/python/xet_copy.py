"""Copies a large file from one repo to another without sending it. ENDPOINT and TOKEN come from the environment."""
import os

from huggingface_hub import CommitOperationCopy, HfApi

api = HfApi(endpoint=os.environ["HF_ENDPOINT"], token=os.environ["TOKEN"])
source, target, path = os.environ["SOURCE"], os.environ["TARGET"], os.environ["FILE"]
api.create_repo(target, private=True)
api.create_commit(
    target,
    [CommitOperationCopy(src_path_in_repo=path, path_in_repo="copied.bin", src_repo_id=source, src_repo_type="model")],
    commit_message="A copy",
)
(entry,) = api.get_paths_info(target, ["copied.bin"])
(original,) = api.get_paths_info(source, [path])
assert entry.lfs.sha256 == original.lfs.sha256 and entry.xet_hash == original.xet_hash, (entry, original)
print("ok")
