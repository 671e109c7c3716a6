"""What the client says at a gate, and the author's half of it. Commands: refused <repo>, reads <repo> <file> <sha256>, handles <repo> <user>."""
import hashlib
import sys
import tempfile

from huggingface_hub import HfApi, ModelCard, hf_hub_download, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

api = HfApi()


def text_of(error):
    return " ".join(str(error).split())


def refused(repo):
    """Metadata is there; every way to content raises GatedRepoError. Prints the client's own words."""
    info = api.model_info(repo)
    assert info.gated in ("auto", "manual"), info.gated
    assert "weights.txt" in api.list_repo_files(repo)
    assert info.card_data.license == "mit", info.card_data
    assert repo in [model.id for model in api.list_models(author=repo.split("/")[0], gated=True)]
    assert repo not in [model.id for model in api.list_models(author=repo.split("/")[0], gated=False)]
    ways = [
        lambda: hf_hub_download(repo, "weights.txt", local_dir=tempfile.mkdtemp()),
        lambda: hf_hub_download(repo, "README.md", local_dir=tempfile.mkdtemp()),
        lambda: snapshot_download(repo, local_dir=tempfile.mkdtemp()),
        lambda: ModelCard.load(repo),
        lambda: api.auth_check(repo),
    ]
    for way in ways:
        try:
            way()
        except GatedRepoError as error:
            assert isinstance(error, RepositoryNotFoundError)
            print(text_of(error))
        else:
            raise AssertionError("nothing was refused")


def reads(repo, file, sha256):
    path = hf_hub_download(repo, file, local_dir=tempfile.mkdtemp())
    with open(path, "rb") as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == sha256
    api.auth_check(repo)
    print("read")


def fails(status, way, *args, **kwargs):
    try:
        way(*args, **kwargs)
    except HfHubHTTPError as error:
        assert error.response.status_code == status, (error.response.status_code, text_of(error))
        print(text_of(error))
    else:
        raise AssertionError("nothing was refused")


def handles(repo, user):
    """The author's half: pending, accepted, rejected and back."""
    pending = list(api.list_pending_access_requests(repo))
    assert [request.username for request in pending] == [user], pending
    [request] = pending
    assert request.status == "pending" and request.fields["Company"] == "Okoro Ports", request
    assert request.email == f"{user}@example.org" and request.fullname == user, request
    fails(404, api.cancel_access_request, repo, user)
    fails(404, api.accept_access_request, repo, "nobody-here")
    api.accept_access_request(repo, user)
    fails(404, api.accept_access_request, repo, user)
    assert [request.username for request in api.list_accepted_access_requests(repo)] == [user]
    api.cancel_access_request(repo, user)
    api.reject_access_request(repo, user, rejection_reason="No company given")
    assert [request.username for request in api.list_rejected_access_requests(repo)] == [user]
    assert list(api.list_pending_access_requests(repo)) == []
    api.cancel_access_request(repo, user)
    if hasattr(request, "request_id"):
        api.accept_access_request(repo, request_id=request.request_id)
        api.cancel_access_request(repo, request_id=request.request_id)
    api.grant_access(repo, user)
    fails(400, api.grant_access, repo, user)
    fails(404, api.grant_access, repo, "nobody-here")
    assert list(api.list_accepted_access_requests(repo))[0].status == "accepted"
    api.update_repo_settings(repo, gated="auto")
    assert api.model_info(repo).gated == "auto"
    api.update_repo_settings(repo, gated=False)
    assert api.model_info(repo).gated is False
    fails(400, api.grant_access, repo, user)
    api.update_repo_settings(repo, gated="manual")
    print("handled")


{"refused": refused, "reads": reads, "handles": handles}[sys.argv[1]](*sys.argv[2:])
