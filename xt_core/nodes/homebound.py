"""Fetching what a node has made for an artifact store that it cannot reach.

Many small artifacts come in one answer, a large one in slices, which are put together in a draft:
what was cut off goes on where it was. One fetch at a time, of whichever client of this home,
moves a slice or a batch, and sees to it that the node may forget it; so an older version of an
artifact never comes after a newer one.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPResponse
from io import FileIO
from pathlib import Path
from typing import Any

from xt_core.artifacts.store import ArtifactStore, storage_error
from xt_core.errors import UnavailableError, XTError
from xt_core.nodes.frames import CutFrameError, read_exactly, read_head
from xt_core.nodes.perseverance import persevere
from xt_core.nodes.requests import NodeClient

Told = Callable[[int, int], None]
"""Called with how many bytes were moved, and how many it will be as far as is known now."""

_PIECE_BYTES = 1 << 18


@dataclass
class Brought:
    """What came: artifacts, their bytes, and by key what this store would not have."""

    artifacts: int = 0
    bytes: int = 0
    refused: dict[str, XTError] = field(default_factory=dict)


def bring_artifacts_home(
    client: NodeClient, artifacts: ArtifactStore, drafts: Path, told: Told
) -> Brought:
    """Fetch all that waits on a node for the store; `drafts` is a folder for what is on its way.

    What the node makes meanwhile is fetched too. Raises UnavailableError if the node cannot be
    reached or the disk here is full: then nothing is lost, and the next call goes on there.
    """
    fetching = _Fetching(client, artifacts, drafts, told)
    persevere(fetching.run, lambda: fetching.moved)
    return fetching.brought


class _Fetching:
    def __init__(
        self, client: NodeClient, artifacts: ArtifactStore, drafts: Path, told: Told
    ) -> None:
        self._client, self._artifacts = client, artifacts
        self._drafts, self._told = drafts, told
        self.brought = Brought()
        self.moved = 0
        """Bytes that have come."""
        self._skipped: set[int] = set()
        self._outbox = ""
        self._arrived: list[list[str | int]] = []
        """What this store has, and the node still keeps."""

    def run(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Fetch the next batch, and have the node forget it; False if there is none."""
        with self._alone():
            self._acknowledge()  # what came before the way to the node was lost
            with self._client.stream("/outbox/fetch", self._wish()) as response:
                head = read_head(response.read)
                if head is None:
                    raise CutFrameError
                self._outbox = head["outbox"]
                self._forget_drafts(head)
                total = self.moved + head["bytes"] - self._size_of_drafts()
                is_more = False
                while (frame := read_head(response.read)) is not None:
                    is_more = True
                    self._take(response, frame, total)
            self._acknowledge()
        return is_more

    def _acknowledge(self) -> None:
        """Have the node forget what this store has."""
        if self._arrived:
            body = {"outbox": self._outbox, "entries": self._arrived}
            self._client.ask("/outbox/arrived", body)
            self.brought.artifacts += len(self._arrived)
            self._arrived = []

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Of many clients one fetches, the others wait."""
        with self._reporting(f"use {self._drafts}"):
            self._drafts.mkdir(parents=True, exist_ok=True)
            lock = FileIO(self._drafts / ".lock", "wb")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _wish(self) -> dict[str, Any]:
        begun = [[path.parent.name, int(path.name), _size(path)] for path in self._begun()]
        return {"skipped": sorted(self._skipped), "begun": begun}

    def _begun(self) -> list[Path]:
        return [path for path in self._drafts.glob("*/*") if path.name.isdecimal()]

    def _size_of_drafts(self) -> int:
        return sum(map(_size, self._begun()))

    def _forget_drafts(self, head: dict[str, Any]) -> None:
        """A draft of what does not wait any more, as a newer version does, is of no use."""
        for path in self._begun():
            if path.parent.name != head["outbox"] or int(path.name) not in head["begun"]:
                path.unlink(missing_ok=True)
        for folder in self._drafts.iterdir():
            if folder.is_dir():
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def _take(self, response: HTTPResponse, frame: dict[str, Any], total: int) -> None:
        """Receive what follows a frame's head, and give the artifact to the store if that was the
        last of it."""
        draft = self._drafts / self._outbox / str(frame["number"])
        with self._reporting(f"write {draft}"):
            draft.parent.mkdir(exist_ok=True)
            file = FileIO(draft, "r+b" if frame["offset"] else "wb")
        with file:
            file.seek(frame["offset"])
            left = frame["length"]
            while left:
                data = read_exactly(response.read, min(left, _PIECE_BYTES))
                with self._reporting(f"write {draft}"):
                    write_all(file, data)
                left -= len(data)
                self.moved += len(data)
                self._told(self.moved, total)
        if frame["offset"] + frame["length"] == frame["size"]:
            self._store(frame, draft)

    def _store(self, frame: dict[str, Any], draft: Path) -> None:
        """Give a draft to the store, unless that refuses it."""
        key, number = frame["key"], frame["number"]
        if frame["executable"]:
            draft.chmod(draft.stat().st_mode | 0o111)
        try:
            self._artifacts.put_file(key, draft, consume=True)
        except UnavailableError:
            raise
        except XTError as error:
            draft.unlink(missing_ok=True)
            self._skipped.add(number)
            self.brought.refused[key] = error
        else:
            self._arrived.append([key, number])
            self.brought.bytes += frame["size"]

    @contextlib.contextmanager
    def _reporting(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(error, f"cannot {action}") from error


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of some bytes to an unbuffered file. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
