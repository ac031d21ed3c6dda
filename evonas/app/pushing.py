"""A network's files to the Hugging Face Hub, by its own client."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evonas.core.errors import EvonasError


def check_push(repo: str) -> None:
    """Raises EvonasError where huggingface_hub is not installed, or no repository can have that name."""
    try:
        import huggingface_hub  # noqa: F401
        from huggingface_hub.utils import HFValidationError, validate_repo_id
    except ImportError as error:
        raise EvonasError("--push needs huggingface_hub, not installed; pip install 'evonas[hub]'") from error
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        why = " ".join(str(error).split())
        raise EvonasError(f"--push {repo!r} is no name of a repository; give owner/name: {why[:300]}") from error


def push(folder: Path, files: Sequence[str], repo: str) -> str:
    """Upload these files of a folder as one commit to the repository `owner/name`, which is made, private, where there
    is none; returns its address. Nothing else of the folder goes there.

    The token and the address of the hub are the client's: `hf auth login`, HF_TOKEN, HF_ENDPOINT. Raises EvonasError,
    one line, where the hub does not take it.
    """
    check_push(repo)
    import huggingface_hub as hub

    try:
        client = hub.HfApi()
        url = client.create_repo(repo, private=True, exist_ok=True)
        client.upload_folder(repo_id=url.repo_id, folder_path=folder, allow_patterns=list(files))
    except Exception as error:  # of the client, of the network below it: each names its reason
        why = " ".join(str(error).split()) or type(error).__name__
        raise EvonasError(f"--push {repo}: the hub did not take it: {why[:300]}; for a token: hf auth login") from error
    return str(url)
