"""Downloads one file by its Xet hash, as huggingface_hub does it. FILE_HASH, REPO, SIZE and TARGET come from the environment."""
import os
from pathlib import Path

from huggingface_hub.file_download import xet_get
from huggingface_hub.utils import build_hf_headers
from huggingface_hub.utils._xet import XetFileData

route = f"{os.environ['HF_ENDPOINT']}/api/models/{os.environ['REPO']}/xet-read-token/main"
xet_get(
    incomplete_path=Path(os.environ["TARGET"]),
    xet_file_data=XetFileData(file_hash=os.environ["FILE_HASH"], refresh_route=route),
    headers=build_hf_headers(token=os.environ["TOKEN"]),
    expected_size=int(os.environ["SIZE"]),
)
print("ok")
