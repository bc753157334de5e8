"""What shares are called, and where they lie in the artifact store.

Invariant: no share's keys are those of a workspace or of another share, because XT's own parts
begin with ``_``, which neither names of workspaces nor parts of a share's name do.
"""

import re

KINDS = ("data", "model")
"""The sections of the configuration that name shares; each kind has names of its own."""

SHARE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
SHARE_NAME_HELP = (
    "a name such as mnist or vision/mnist: parts of letters, digits, '.', '-' and '_' that begin "
    "with a letter or digit"
)


def share_root(kind: str, name: str) -> str:
    """The folder of a share in the artifact store: ``_data/mnist``."""
    return f"_{kind}/{name}"


def latest_key(root: str) -> str:
    """Tells which manifest a share has now."""
    return f"{root}/_latest.json"


def manifest_key(root: str, digest: str) -> str:
    """A manifest, which never changes."""
    return f"{root}/_manifests/{digest}.json"


def content_key(root: str, digest: str) -> str:
    """The contents of a file, kept once however many files have them."""
    return f"{contents_prefix(root)}{digest[:2]}/{digest}"


def contents_prefix(root: str) -> str:
    """The folder of a share's contents."""
    return f"{root}/_contents/"
