"""Does one thing and prints what the client says of its failure, in one line. Commands: download|info|upload|create|whoami|check <repo> [file]."""
import sys
import tempfile

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

api = HfApi()
command, repo, *rest = sys.argv[1:]
file = rest[0] if rest else "weights.txt"

ways = {
    "download": lambda: hf_hub_download(repo, file, local_dir=tempfile.mkdtemp()),
    "info": lambda: api.model_info(repo),
    "upload": lambda: api.upload_file(path_or_fileobj=b"text", path_in_repo="new.txt", repo_id=repo),
    "create": lambda: api.create_repo(repo, private=True),
    "whoami": lambda: api.whoami(),
    "check": lambda: api.auth_check(repo),
}
try:
    ways[command]()
except HfHubHTTPError as error:
    print(type(error).__name__, " ".join(str(error).split()))
except Exception as error:  # Some calls wrap what the hub said.
    print(type(error).__name__, " ".join(f"{error} {error.__cause__}".split()))
else:
    print("allowed")
