"""The lines of a console, as many as there are.

They are kept as chunks of bytes, each with the number of its lines: a chunk is taken apart only
when its lines are looked at. What does not fit in memory is in a file without a name, which goes
with the process. Lines are known by numbers that stay theirs when earlier ones are put before
them: those may be negative.
"""

import contextlib
import os
import tempfile
import threading
import weakref
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 16
_MEMORY = 64 << 20


@dataclass(slots=True, eq=False)
class _Chunk:
    """Whole lines, each with its newline. `place` is where they are in the file, once there."""

    first: int
    count: int
    data: bytearray | bytes | None
    place: int = -1
    size: int = 0


class LineBuffer:
    """Lines that are added at either end. Thread-safe."""

    def __init__(self, memory: int = _MEMORY, chunk: int = _CHUNK) -> None:
        """Up to `memory` bytes are in memory, in chunks of about `chunk`."""
        self.lock = threading.RLock()
        self.version = 0
        """Changes with the contents."""
        self._memory, self._chunk = memory, chunk
        self._chunks: list[_Chunk] = []
        self._firsts: list[int] = []
        self._resident: deque[_Chunk] = deque()
        self._held = 0
        self._file: BinaryIO | None = None
        self._open: dict[int, Sequence[bytes]] = {}
        self._split: tuple[_Chunk | None, int, list[bytes]] = (None, 0, [])
        self.first = self.end = 0
        """The numbers of the first line, and of the one after the last that is finished."""
        self.taken_back: list[int] = []
        """From which numbers on lines became unfinished again, in order."""
        self.is_cut = False
        """Whether any line is not whole, because it was too long."""

    # Adding -----------------------------------------------------------------------------

    def commit(self, data: bytes) -> None:
        """Whole lines, each with its newline, come last."""
        with self.lock:
            for part in self._parts(data):
                self._append(part)
            self.version += 1

    def prepend(self, data: bytes) -> int:
        """Whole lines come first; how many there were."""
        with self.lock:
            chunks, number = list[_Chunk](), 0
            for part in self._parts(data):
                count = part.count(b"\n")
                chunks.append(_Chunk(number, count, part, size=len(part)))
                number += count
            self.first -= number
            for chunk in chunks:
                chunk.first += self.first
            self._chunks[:0] = chunks
            self._firsts[:0] = [chunk.first for chunk in chunks]
            for chunk in reversed(chunks):
                self._keep(chunk)
            self.version += 1
        return number

    def show_open(self, source: int, rows: Sequence[bytes]) -> None:
        """The lines of a source that may still change: they stand after the finished ones."""
        with self.lock:
            if self._open.get(source, ()) != rows:
                self._open[source] = rows
                self.version += 1

    def take_back(self, most: int) -> list[bytes]:
        """Make the last lines, at most so many, unfinished: they are given back, without their
        newlines. Only those of the last chunk can be."""
        with self.lock:
            last = self._chunks[-1] if self._chunks else None
            if last is None or not isinstance(last.data, bytearray) or most <= 0:
                return []
            number = min(most, last.count)
            lines = last.data.split(b"\n")[-number - 1 : -1]
            del last.data[len(last.data) - sum(len(line) + 1 for line in lines) :]
            last.count -= number
            self.end -= number
            self.taken_back.append(self.end)
            self.version += 1
            return [bytes(line) for line in lines]

    def _parts(self, data: bytes) -> Iterable[bytes]:
        """Pieces of about a chunk, which end with lines."""
        start = 0
        while len(data) - start > self._chunk:
            stop = data.rfind(b"\n", start, start + self._chunk) + 1
            stop = stop or data.find(b"\n", start) + 1
            yield data[start:stop]
            start = stop
        if start < len(data):
            yield data[start:]

    def _append(self, part: bytes) -> None:
        last = self._chunks[-1] if self._chunks else None
        if last is None or not isinstance(last.data, bytearray):
            last = self._new_chunk()
        elif last.count and len(last.data) + len(part) > self._chunk:
            last.data, last.size = bytes(last.data), len(last.data)
            self._keep(last)
            last = self._new_chunk()
        assert isinstance(last.data, bytearray)
        last.data += part
        count = part.count(b"\n")
        last.count += count
        self.end += count

    def _new_chunk(self) -> _Chunk:
        chunk = _Chunk(self.end, 0, bytearray())
        self._chunks.append(chunk)
        self._firsts.append(self.end)
        return chunk

    # Memory and file --------------------------------------------------------------------

    def _keep(self, chunk: _Chunk) -> None:
        """Keep a chunk that is whole; the longest kept go to the file when memory is full."""
        self._resident.append(chunk)
        self._held += chunk.size
        with contextlib.suppress(OSError):  # with a full disk, memory has to do
            while self._held > self._memory and len(self._resident) > 1:
                self._put_away(self._resident[0])
                self._resident.popleft()

    def _put_away(self, chunk: _Chunk) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this)
            weakref.finalize(self, self._file.close)
        assert chunk.data is not None
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(chunk.data)
        self._file.flush()
        chunk.place, chunk.data = place, None
        self._held -= chunk.size

    def _bytes(self, chunk: _Chunk) -> bytes:
        if chunk.data is not None:
            return bytes(chunk.data)
        assert self._file is not None
        return os.pread(self._file.fileno(), chunk.size, chunk.place)

    # Reading ----------------------------------------------------------------------------

    @property
    def open_rows(self) -> list[bytes]:
        """The lines that may still change, of all sources."""
        with self.lock:
            return [row for source in sorted(self._open) for row in self._open[source]]

    @property
    def stop(self) -> int:
        """The number after that of the last line, finished or not."""
        with self.lock:
            return self.end + sum(map(len, self._open.values()))

    def lines(self, first: int, stop: int) -> list[bytes]:
        """The lines from a number up to before another, without their newlines."""
        with self.lock:
            first, found = max(first, self.first), list[bytes]()
            while first < min(stop, self.end):
                chunk = self._chunk_of(first)
                lines = self._lines_of(chunk)[first - chunk.first : stop - chunk.first]
                found += lines
                first += len(lines)
            if stop > self.end:
                found += self.open_rows[max(0, first - self.end) : stop - self.end]
            return found

    def at(self, numbers: Sequence[int]) -> Mapping[int, bytes]:
        """Lines by their numbers; those that are not there are left out."""
        with self.lock:
            found = {}
            for number in numbers:
                line = self.lines(number, number + 1) if number >= self.first else []
                if line:
                    found[number] = line[0]
            return found

    def piece(self, first: int) -> tuple[bytes, int]:
        """Finished lines from a number on, as many as are kept together, and the number after
        them."""
        with self.lock:
            if not self.first <= first < self.end:
                return b"", max(first, self.end)
            chunk = self._chunk_of(first)
            data, stop = self._bytes(chunk), chunk.first + chunk.count
            if first > chunk.first:
                lines = self._lines_of(chunk)
                data = data[sum(len(line) + 1 for line in lines[: first - chunk.first]) :]
            return data, stop

    def _chunk_of(self, number: int) -> _Chunk:
        return self._chunks[bisect_right(self._firsts, number) - 1]

    def _lines_of(self, chunk: _Chunk) -> list[bytes]:
        """The last chunk that was looked at stays taken apart."""
        known, version, lines = self._split
        current = self.version if isinstance(chunk.data, bytearray) else -1
        if known is not chunk or version != current:
            lines = self._bytes(chunk).split(b"\n")[:-1]
            self._split = (chunk, current, lines)
        return lines
