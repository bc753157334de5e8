"""A manifest: which files a version of a share has, and the digests of their contents.

A manifest is named by its own digest, so whoever has that name has the whole version pinned.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

from xt_core.errors import UnavailableError

_VERSION = 1
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: the SHA-256 of its bytes, their number, and whether it is executable."""

    digest: str
    size: int
    executable: bool = False


@dataclass(frozen=True)
class Manifest:
    """The files by their paths, which are relative and ``/``-separated, and the empty folders."""

    files: dict[str, Content] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files, each counted as often as it is there."""
        return sum(content.size for content in self.files.values())

    def contents(self) -> dict[str, int]:
        """The distinct contents: sizes by digest."""
        return {content.digest: content.size for content in self.files.values()}

    def to_bytes(self) -> bytes:
        """The same bytes for the same files, whatever order they came in."""
        files = {
            path: [content.digest, content.size, content.executable]
            for path, content in sorted(self.files.items())
        }
        document = {"version": _VERSION, "files": files, "folders": sorted(self.folders)}
        return json.dumps(document, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes, digest: str) -> "Manifest":
        """The manifest of that digest. Raises UnavailableError if it is another, or damaged, or
        has a path that leads out of its folder."""
        if digest_of(data) != digest:
            raise _damaged(digest, "its SHA-256 is another")
        try:
            document = json.loads(data)
            if document["version"] != _VERSION:
                raise UnavailableError(
                    f"the manifest {digest} has version {document['version']}, "
                    f"this XT reads {_VERSION}",
                    "upgrade XT",
                )
            files = {path: Content(*content) for path, content in document["files"].items()}
            manifest = cls(files, list(document["folders"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(digest, str(error)) from error
        for path in [*manifest.files, *manifest.folders]:
            if not _stays_inside(path):
                raise _damaged(digest, f"the path {path!r} leads outside")
        if not all(_DIGEST.fullmatch(content.digest) for content in files.values()):
            raise _damaged(digest, "what should be a digest is none")
        return manifest


def digest_of(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _stays_inside(path: str) -> bool:
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))


def _damaged(digest: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"the manifest {digest} is damaged: {reason}", "upload the share again, and submit again"
    )
