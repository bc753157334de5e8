"""Copies of files and directories from one place to another, which can be taken up again.

A file that is there already, by size and time, is not copied again. One that is under way is a
draft beside its place; the next copy of the same file goes on with it.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xt_core.errors import UnknownNameError, UsageError, WorkFailedError, XTError
from xt_core.ssh.places import Entry, Place, Reader, Writer

T = TypeVar("T")
CHUNK_BYTES = 8 << 20
"""What is written at once, in any order within: so much at the end of a draft may have holes."""
_AT_ONCE = 8
_MANY = 16
_LONGEST_NAME_BYTES = 200


@dataclass
class Transfer:
    """How far a copy is."""

    files: int = 0
    """How many there are to copy; those done, and those of them that were there already."""
    done: int = 0
    kept: int = 0
    total_bytes: int = 0
    done_bytes: int = 0
    resumed_bytes: int = 0
    """What was there of files that an earlier copy had begun."""
    left_out: list[str] = field(default_factory=list)
    """What is neither a file nor a directory, links to nothing, and loops of links."""


Told = Callable[[Transfer], None]


@dataclass(frozen=True)
class _File:
    source: str
    target: str
    entry: Entry


class Copy:
    """One copy of some paths of a place into another."""

    def __init__(self, source: Place, target: Place, told: Told) -> None:
        """`told` is called at each progress."""
        self._source, self._target, self._told = source, target, told
        self._files: list[_File] = []
        self._directories: dict[str, None] = {}
        self._there: dict[str, dict[str, Entry | None]] = {}
        """What is in target directories that have been looked at."""
        self.transfer = Transfer()

    async def run(self, sources: Sequence[str], target: str) -> Transfer:
        """Copy to a path, which means the same at each repetition, as with rsync.

        A directory is copied into it, or, if its own path ends with a slash, what is in it is. A
        file is copied into a directory, and else as the path.
        """
        await self._plan(sources, target)
        for directory in self._directories:
            await self._at_target(self._target.make_directory(directory), directory)
        await self._look_at_targets()
        self._told(self.transfer)
        turns = asyncio.Semaphore(_AT_ONCE)
        tasks = [asyncio.create_task(self._in_turn(turns, file)) for file in self._files]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.transfer

    # What there is to copy --------------------------------------------------------------

    async def _plan(self, sources: Sequence[str], target: str) -> None:
        paths: list[str] = []
        for source in sources:
            paths += await self._at_source(self._source.matching(source), source)
        there = await self._at_target(self._target.look(target.rstrip("/") or "/"), target)
        is_directory = there is not None and there.is_directory
        needs_directory = len(paths) > 1 or target.endswith("/")
        for path in paths:
            entry = await self._at_source(self._source.look(path), path)
            if entry is None:
                raise UnknownNameError(f"there is no {self._source.named(path)}")
            if there is not None and not is_directory and (needs_directory or entry.is_directory):
                raise UsageError(
                    f"{self._target.named(target)} is a file", "name a directory to copy into"
                )
            name = os.path.basename(path)
            if entry.is_directory:
                into = target if name in ("", ".", "..") else os.path.join(target, name)
            else:
                into = os.path.join(target, name) if is_directory or needs_directory else target
            await self._add(path.rstrip("/") or "/", into, entry, ())

    async def _add(
        self, source: str, target: str, entry: Entry | None, above: tuple[str, ...]
    ) -> None:
        if entry is None or not (entry.is_directory or entry.is_file):
            self.transfer.left_out.append(source)
        elif entry.is_file:
            parent = os.path.dirname(target)
            if parent:
                self._directories[parent] = None
            self._files.append(_File(source, target, entry))
            self.transfer.files += 1
            self.transfer.total_bytes += entry.size
        else:
            await self._add_directory(source, target, entry, above)

    async def _add_directory(
        self, source: str, target: str, entry: Entry, above: tuple[str, ...]
    ) -> None:
        real = f"{above[-1]}/{os.path.basename(source)}" if above else ""
        if entry.is_link or not above:
            real = await self._at_source(self._source.real_path(source), source)
        if real in above:
            self.transfer.left_out.append(source)
            return
        self._directories[target] = None
        for name, child in await self._at_source(self._source.children(source), source):
            places = os.path.join(source, name), os.path.join(target, name)
            await self._add(*places, child, (*above, real))

    async def _look_at_targets(self) -> None:
        """Find what is there already: where there are many, by one look at their directory."""
        parents = Counter(os.path.dirname(file.target) for file in self._files)
        for parent, number in parents.items():
            if number >= _MANY:
                folder = parent or "."
                children = await self._at_target(self._target.children(folder), folder)
                self._there[parent] = dict(children)

    async def _entry_there(self, path: str) -> Entry | None:
        parent, name = os.path.split(path)
        if parent in self._there:
            return self._there[parent].get(name)
        return await self._at_target(self._target.look(path), path)

    # Copying ----------------------------------------------------------------------------

    async def _in_turn(self, turns: asyncio.Semaphore, file: _File) -> None:
        async with turns:
            await self._copy(file)
        self.transfer.done += 1
        self._told(self.transfer)

    async def _copy(self, file: _File) -> None:
        there = await self._entry_there(file.target)
        if there is not None and there.is_directory:
            raise UsageError(
                f"{self._target.named(file.target)} is a directory, {file.source} a file"
            )
        if there is not None and (there.size, there.mtime) == (file.entry.size, file.entry.mtime):
            self.transfer.kept += 1
            self.transfer.done_bytes += file.entry.size
            return
        draft = _draft(file)
        reader = await self._at_source(self._source.reader(file.source), file.source)
        try:
            writer = await self._at_target(self._target.writer(draft), draft)
            try:
                await self._fill(file, draft, reader, writer)
            finally:
                await self._at_target(writer.close(), draft)
        finally:
            await self._at_source(reader.close(), file.source)
        now = await self._at_source(self._source.look(file.source), file.source)
        if now is None or (now.size, now.mtime) != (file.entry.size, file.entry.mtime):
            raise WorkFailedError(
                f"{self._source.named(file.source)} was changed while it was copied",
                "copy it again when it is still",
            )
        await self._at_target(self._target.settle(draft, file.target, file.entry), file.target)

    async def _fill(self, file: _File, draft: str, reader: Reader, writer: Writer) -> None:
        """Copy what the draft lacks."""
        size = file.entry.size
        position = 0
        if size > CHUNK_BYTES:
            begun = await self._at_target(self._target.look(draft), draft)
            position = 0 if begun is None else max(0, min(begun.size, size) - CHUNK_BYTES)
        self.transfer.resumed_bytes += position
        self.transfer.done_bytes += position
        while position < size:
            want = min(CHUNK_BYTES, size - position)
            data = await self._at_source(reader.read(want, position), file.source)
            if not data:
                return  # it has become shorter: told by who compares it with what it was
            await self._at_target(writer.write(data, position), draft)
            position += len(data)
            self.transfer.done_bytes += len(data)
            self._told(self.transfer)

    async def _at_source(self, work: Awaitable[T], path: str) -> T:
        return await _explained(self._source, work, path)

    async def _at_target(self, work: Awaitable[T], path: str) -> T:
        return await _explained(self._target, work, path)


async def _explained(place: Place, work: Awaitable[T], path: str) -> T:
    try:
        return await work
    except XTError:
        raise
    except Exception as error:
        explained = place.explained(error, path)
        if explained is None:
            raise
        raise explained from error


def _draft(file: _File) -> str:
    """The draft of a file: of another one, or of the same one changed, it is another."""
    identity = f"{os.path.abspath(file.source)}\0{file.entry.size}\0{file.entry.mtime}"
    digest = hashlib.sha256(os.fsencode(identity)).hexdigest()[:12]
    folder, name = os.path.split(file.target)
    short = os.fsencode(name)[:_LONGEST_NAME_BYTES].decode("utf-8", "ignore")
    return os.path.join(folder, f".{short}.{digest}.xt-part")
