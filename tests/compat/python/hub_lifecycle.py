"""A person's day with huggingface_hub, unmodified. Ends with "ok" or a traceback. ENDPOINT and TOKEN come from the environment."""
import io
import os
import tempfile
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

endpoint = os.environ["HF_ENDPOINT"]
token = os.environ["TOKEN"]
files = int(os.environ.get("FILES", "60"))
big = int(os.environ.get("BIG_BYTES", str(24 * 2**20)))
api = HfApi(endpoint=endpoint, token=token)
user = api.whoami()["name"]


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}")


repo = f"{user}/lifecycle"
url = api.create_repo(repo, private=True)
assert url.repo_id == repo, url
assert str(url) == f"{endpoint}/{repo}", url
error = fails(HfHubHTTPError, lambda: api.create_repo(repo, private=True))
assert error.response.status_code == 409, error
assert api.create_repo(repo, private=True, exist_ok=True).repo_id == repo
assert api.repo_exists(repo) and not api.repo_exists(f"{user}/nothing-here")

# One commit with what the hub makes by itself.
commits = api.list_repo_commits(repo)
assert [c.title for c in commits] == ["initial commit"], commits
assert commits[0].authors == [user], commits[0].authors
assert ".gitattributes" in api.list_repo_files(repo)

# Small and large files, by path, by handle, by folder.
info = api.upload_file(path_or_fileobj=b"hello", path_in_repo="greeting.txt", repo_id=repo, commit_message="Say hello")
assert info.commit_url == f"{endpoint}/{repo}/commit/{info.oid}", info
payload = os.urandom(1 << 20) * (big >> 20)
with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    (root / "sub" / "deep").mkdir(parents=True)
    for i in range(files):
        (root / "sub" / f"file-{i:04d}.txt").write_text(f"content {i}\n")
    (root / "sub" / "deep" / "weights.bin").write_bytes(payload)
    (root / "tiny.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    (root / "ignored.log").write_text("not this one")
    (root / ".gitignore").write_text("*.log\n")
    (root / "README.md").write_text("---\nlicense: mit\ntags:\n- harbour\nlanguage: en\n---\n# Lifecycle\n")
    api.upload_folder(folder_path=root, repo_id=repo, commit_message="Everything")
listed = set(api.list_repo_files(repo))
assert "sub/deep/weights.bin" in listed and "README.md" in listed and "ignored.log" not in listed, sorted(listed)[:10]
assert len([f for f in listed if f.startswith("sub/file-")]) == files

# Uploading the same again changes nothing.
before = api.repo_info(repo).sha
api.upload_file(path_or_fileobj=b"hello", path_in_repo="greeting.txt", repo_id=repo)
assert api.repo_info(repo).sha == before

# Names that need care.
awkward = ["a b/c d.txt", "percent%20.txt", "hash#tag.txt", "question?.txt", "umlaut-ä-中.txt", "plus+plus.txt", "amp&er.txt"]
api.create_commit(repo, [CommitOperationAdd(p, p.encode()) for p in awkward], commit_message="Awkward names")
for p in awkward:
    with open(hf_hub_download(repo, p, token=token, endpoint=endpoint), "rb") as f:
        assert f.read() == p.encode(), p

# Info, tree, paths.
model = api.model_info(repo, files_metadata=True)
assert model.private and model.sha and model.card_data["license"] == "mit", model
assert "license:mit" in model.tags and "harbour" in model.tags, model.tags
sibling = next(s for s in model.siblings if s.rfilename == "sub/deep/weights.bin")
assert sibling.size == len(payload) and sibling.lfs is not None, sibling
tree = list(api.list_repo_tree(repo, recursive=True, expand=True))
assert {e.path for e in tree} >= {"sub", "sub/deep", "sub/deep/weights.bin"}
entry = next(e for e in tree if e.path == "sub/deep/weights.bin")
assert entry.size == len(payload) and entry.lfs.size == len(payload) and entry.last_commit is not None
assert {p.path for p in api.get_paths_info(repo, ["sub", "greeting.txt", "missing"])} == {"sub", "greeting.txt"}

# Download.
path = hf_hub_download(repo, "sub/deep/weights.bin", token=token, endpoint=endpoint)
with open(path, "rb") as f:
    assert f.read() == payload
snapshot = Path(snapshot_download(repo, token=token, endpoint=endpoint))
assert (snapshot / "sub" / "file-0000.txt").read_text() == "content 0\n"
assert len([p for p in snapshot.rglob("*") if p.is_file()]) == len(set(api.list_repo_files(repo)))
meta = api.get_hf_file_metadata(url=f"{endpoint}/{repo}/resolve/main/greeting.txt")
assert meta.size == 5 and meta.commit_hash == api.repo_info(repo).sha, meta

# Errors that people see.
fails(EntryNotFoundError, lambda: hf_hub_download(repo, "nope.txt", token=token, endpoint=endpoint))
fails(RevisionNotFoundError, lambda: hf_hub_download(repo, "greeting.txt", revision="nope", token=token, endpoint=endpoint))
fails(RepositoryNotFoundError, lambda: api.model_info(f"{user}/nothing-here"))
fails(RepositoryNotFoundError, lambda: HfApi(endpoint=endpoint, token=False).model_info(repo))
bad = fails(HfHubHTTPError, lambda: HfApi(endpoint=endpoint, token="hf_" + "a" * 34).whoami())
assert bad.response.status_code == 401 and "Invalid" in str(bad), bad
stale = fails(HfHubHTTPError, lambda: api.create_commit(repo, [CommitOperationAdd("x", b"x")], commit_message="x", parent_commit=commits[0].commit_id))
assert stale.response.status_code == 412 and "The branch was updated since you opened this page" in str(stale), stale
gone = fails(EntryNotFoundError, lambda: api.delete_file("not-there.txt", repo))
assert "A file with this name doesn't exist" in str(gone), gone

# Move within, copy, delete.
api.create_commit(repo, [CommitOperationCopy("sub/deep/weights.bin", "copy.bin"), CommitOperationDelete("greeting.txt")], commit_message="Copy and delete")
listed = set(api.list_repo_files(repo))
assert "copy.bin" in listed and "greeting.txt" not in listed
api.delete_folder("sub", repo)
assert not any(f.startswith("sub/") for f in api.list_repo_files(repo))

# Branches and tags.
api.create_branch(repo, branch="dev")
exists = fails(HfHubHTTPError, lambda: api.create_branch(repo, branch="dev"))
assert exists.response.status_code == 409 and "Reference refs/heads/dev already exists" in str(exists), exists
api.create_branch(repo, branch="dev", exist_ok=True)
api.upload_file(path_or_fileobj=b"on dev", path_in_repo="dev.txt", repo_id=repo, revision="dev")
assert "dev.txt" in api.list_repo_files(repo, revision="dev") and "dev.txt" not in api.list_repo_files(repo)
api.create_branch(repo, branch="feature/slash", revision="dev")
assert "dev.txt" in api.list_repo_files(repo, revision="feature/slash")
api.create_tag(repo, tag="v1", revision="dev", tag_message="first")
refs = api.list_repo_refs(repo)
assert {b.name for b in refs.branches} == {"main", "dev", "feature/slash"} and [t.name for t in refs.tags] == ["v1"], refs
assert "dev.txt" in api.list_repo_files(repo, revision="v1")
api.delete_tag(repo, tag="v1")
api.delete_branch(repo, branch="dev")
fails(RevisionNotFoundError, lambda: api.repo_info(repo, revision="dev"))
main = fails(HfHubHTTPError, lambda: api.delete_branch(repo, branch="main"))
assert "Cannot delete refs/heads/main" in str(main), main

# Settings, move, listing, delete.
api.update_repo_settings(repo, visibility="public") if hasattr(api, "update_repo_settings") else api.update_repo_visibility(repo, private=False)
assert not api.model_info(repo).private
assert repo in [m.id for m in api.list_models(author=user)]
assert repo in [m.id for m in api.list_models(search="lifecyc")]
assert repo in [m.id for m in api.list_models(filter="harbour")]
assert repo not in [m.id for m in api.list_models(filter="harbour-nothing")]
api.move_repo(from_id=repo, to_id=f"{user}/renamed")
assert api.model_info(repo).id == f"{user}/renamed"
assert hf_hub_download(repo, "README.md", token=token, endpoint=endpoint, force_download=True)
api.move_repo(from_id=f"{user}/renamed", to_id=repo)

dataset = api.create_repo(repo, repo_type="dataset")
assert str(dataset) == f"{endpoint}/datasets/{repo}", dataset
api.upload_file(path_or_fileobj=io.BytesIO(b"a,b\n1,2\n"), path_in_repo="data.csv", repo_id=repo, repo_type="dataset")
with open(hf_hub_download(repo, "data.csv", repo_type="dataset", token=token, endpoint=endpoint)) as f:
    assert f.read() == "a,b\n1,2\n"
space = api.create_repo(f"{user}/panel", repo_type="space", space_sdk="static")
assert api.space_info(f"{user}/panel").sdk == "static"
assert api.auth_check(repo) is None

api.delete_repo(repo, repo_type="dataset")
api.delete_repo(f"{user}/panel", repo_type="space")
api.delete_repo(repo)
fails(RepositoryNotFoundError, lambda: api.model_info(repo))
fails(RepositoryNotFoundError, lambda: api.delete_repo(repo))
api.delete_repo(repo, missing_ok=True)
print("ok")
