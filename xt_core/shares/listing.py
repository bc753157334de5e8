"""Which shares a team's storage has."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from xt_core.artifacts.store import ArtifactStore
from xt_core.errors import UnknownNameError
from xt_core.shares.names import KINDS, latest_key, share_root


@dataclass(frozen=True)
class Share:
    """A share as its latest version has it; ``uploaded`` is in ISO 8601."""

    kind: str
    name: str
    files: int
    bytes: int
    uploaded: str


def shares(store: ArtifactStore) -> Iterator[Share]:
    """All shares, by kind and name; one whose latest version is damaged is passed over."""
    for kind in KINDS:
        for name in share_names(store, kind):
            with contextlib.suppress(UnknownNameError, ValueError, KeyError, TypeError):
                document = json.loads(store.get_bytes(latest_key(share_root(kind, name))))
                counts = int(document["files"]), int(document["bytes"])
                yield Share(kind, name, *counts, str(document["uploaded"]))


def share_names(store: ArtifactStore, kind: str) -> list[str]:
    """The names of a kind's shares, sorted; looks into no share's contents."""
    found, pending = list[str](), [f"_{kind}/"]
    while pending:
        folder = pending.pop()
        for info in store.list(folder, depth=1):
            if info.key == latest_key(folder.rstrip("/")):
                found.append(folder.partition("/")[2].rstrip("/"))
            elif info.is_folder and not info.key[len(folder) :].startswith("_"):
                pending.append(info.key)
    return sorted(found)
