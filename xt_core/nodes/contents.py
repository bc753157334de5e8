"""Contents as a client sends them to a node: bytes that are known by their SHA-256."""

import re
from dataclasses import dataclass

from xt_core.errors import UsageError

ZIP, PART, SHARE = "zip", "part", "share"
"""Their kinds: a snapshot's zip, a part of one, a file or manifest of data or a model."""
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Content:
    """A content of `size` bytes, of which those from byte `offset` on are to be sent."""

    digest: str
    size: int
    offset: int = 0

    @classmethod
    def parse(cls, value: object) -> "Content":
        """Of a request. Raises UsageError."""
        try:
            digest, size, offset = value  # type: ignore[misc]
            content = cls(str(digest), int(size), int(offset))  # type: ignore[has-type]
        except (TypeError, ValueError):
            raise UsageError(f"{value!r} is no content") from None
        if not _DIGEST.fullmatch(content.digest) or not 0 <= content.offset <= content.size:
            raise UsageError(f"{value!r} is no content")
        return content

    @property
    def rest(self) -> int:
        """How many bytes that is."""
        return self.size - self.offset
