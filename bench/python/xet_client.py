"""One upload or download by huggingface_hub, timed without the start of the interpreter. Prints seconds.

upload REPO FILE | download REPO NAME FOLDER; the address, the token and the home folder come from the environment.
"""
import sys
import time

from huggingface_hub import HfApi, hf_hub_download

command, repo, name = sys.argv[1:4]
begun = time.perf_counter()
if command == "upload":
    HfApi().upload_file(path_or_fileobj=name, path_in_repo=name.rsplit("/", 1)[-1], repo_id=repo)
else:
    hf_hub_download(repo, name, local_dir=sys.argv[4])
print(time.perf_counter() - begun)
