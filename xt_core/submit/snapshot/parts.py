"""Snapshots in parts: what two of them have in common need not be sent twice.

A zip is cut at its entries. A part has the heads and data of some neighbouring entries, and behind
them their records of the zip's directory, in which an entry's place counts from the part's first
byte: so a part is the same wherever it stands. A large entry is cut into several parts. Only where
a file has changed do parts differ.
"""

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

_END = struct.Struct("<4s4H2LH")
_RECORD = struct.Struct("<4s6H3L5H2L")
_PLACE = 42
"""Where a record says at which byte its entry begins, in 4 bytes."""
_LARGEST_PLACE = 0xFFFFFFFF
_SMALL_BYTES, _LARGE_BYTES = 128 << 10, 4 << 20
_MOST_ENTRIES = 16
"""About how many of the smallest entries a part has; of larger ones it has fewer."""


class UncutError(Exception):
    """A zip that is not cut, because it is not as XT writes most of them: send it whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring entries: `length` bytes, `records` bytes of the directory, and the digest of
    both."""

    length: int
    records: int
    digest: str = ""

    @property
    def size(self) -> int:
        return self.length + self.records


@dataclass(frozen=True)
class Recipe:
    """A zip as parts, in their order, and the bytes that end it."""

    parts: list[Part]
    end: bytes

    def to_json(self) -> str:
        parts = [[part.digest, part.length, part.records] for part in self.parts]
        return json.dumps({"parts": parts, "end": self.end.hex()}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Recipe":
        """The inverse of `to_json`. Raises ValueError, KeyError, TypeError."""
        document = json.loads(text)
        parts = [
            Part(int(length), int(records), str(digest))
            for digest, length, records in document["parts"]
        ]
        return cls(parts, bytes.fromhex(document["end"]))

    @property
    def directory(self) -> int:
        """At which byte the zip's directory begins."""
        return sum(part.length for part in self.parts)


class Cut:
    """A zip file and its recipe: gives the bytes of any part. Close it after use."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.recipe = recipe
        self._file: BinaryIO = path.open("rb")
        self._places: dict[str, tuple[Part, int, int]] = {}
        place, record = 0, recipe.directory
        for part in recipe.parts:
            self._places[part.digest] = part, place, record
            place, record = place + part.length, record + part.records

    def __contains__(self, digest: str) -> bool:
        return digest in self._places

    def read(self, digest: str) -> bytes:
        """The bytes of a part. Raises OSError."""
        return _read_part(self._file.fileno(), *self._places[digest])

    def close(self) -> None:
        self._file.close()


def cut(path: Path) -> Recipe:
    """The recipe of a zip. Raises UncutError, OSError."""
    with path.open("rb") as file:
        directory, entries, end = _read_directory(file)
        parts = list(_grouped(entries, directory))
        places, records = [0], [directory]
        for part in parts:
            places.append(places[-1] + part.length)
            records.append(records[-1] + part.records)

        def digest(index: int) -> Part:
            data = _read_part(file.fileno(), parts[index], places[index], records[index])
            return replace(parts[index], digest=hashlib.sha256(data).hexdigest())

        with ThreadPoolExecutor(os.cpu_count() or 1, "hash") as pool:
            return Recipe(list(pool.map(digest, range(len(parts)), chunksize=1)), end)


def join(recipe: Recipe, read: Callable[[str], bytes], file: BinaryIO) -> str:
    """Write the zip of a recipe from its parts, which `read` gives by their digests; its SHA-256.

    Raises OSError, and UncutError for parts that are none.
    """
    whole, records, place = hashlib.sha256(), list[bytes](), 0

    def write(data: bytes | memoryview) -> None:
        whole.update(data)
        file.write(data)

    for part in recipe.parts:
        data = memoryview(read(part.digest))
        write(data[: part.length])
        records.append(_moved(bytes(data[part.length :]), place))
        place += part.length
    for each in records:
        write(each)
    write(recipe.end)
    return whole.hexdigest()


# Reading zips ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    place: int
    records: int
    name: bytes


def _read_directory(file: BinaryIO) -> tuple[int, list[_Entry], bytes]:
    """Where the directory begins, the entries in it, and the bytes that end the zip."""
    size = os.fstat(file.fileno()).st_size
    end = os.pread(file.fileno(), _END.size, max(0, size - _END.size))
    if len(end) < _END.size:
        raise UncutError("it is too short")
    mark, *_, count, length, place, comment = _END.unpack(end)
    if mark != b"PK\5\6" or comment or place + length + _END.size != size or count == 0xFFFF:
        raise UncutError("it ends in another way")
    entries = list(_entries(os.pread(file.fileno(), length, place)))
    starts = [entry.place for entry in entries]
    if len(entries) != count or starts != sorted(starts) or starts[:1] != [0]:
        raise UncutError("its entries are not in order")
    return place, entries, end


def _entries(directory: bytes) -> Iterator[_Entry]:
    at = 0
    while at < len(directory):
        name, size, place = _record(directory, at)
        yield _Entry(place, size, name)
        at += size


def _record(directory: bytes, at: int) -> tuple[bytes, int, int]:
    """The name in a record, the record's size, and its entry's place."""
    if at + _RECORD.size > len(directory):
        raise UncutError("its directory is cut off")
    fields = _RECORD.unpack_from(directory, at)
    name, extra, comment = fields[10:13]
    if fields[0] != b"PK\1\2" or fields[-1] == _LARGEST_PLACE:
        raise UncutError("its directory is of another kind")
    begin = at + _RECORD.size
    return directory[begin : begin + name], _RECORD.size + name + extra + comment, fields[-1]


def _grouped(entries: list[_Entry], directory: int) -> Iterator[Part]:
    length = records = 0  # of the part that is being made
    ends = [entry.place for entry in entries[1:]] + [directory]
    for entry, end in zip(entries, ends, strict=True):
        size = end - entry.place
        if length and _begins_part(entry.name, size):
            yield Part(length, records)
            length = records = 0
        length, records = length + size, records + entry.records
        while length > _LARGE_BYTES:
            yield Part(_LARGE_BYTES, records)
            length, records = length - _LARGE_BYTES, 0
    if length:
        yield Part(length, records)


def _begins_part(name: bytes, size: int) -> bool:
    """Decided for each entry by itself, so that no change moves cuts elsewhere: by chance, which
    its name gives, and the likelier the larger it is."""
    chance = max(size / _SMALL_BYTES, 1 / _MOST_ENTRIES)
    return zlib.crc32(name) < chance * (1 << 32)


def _read_part(descriptor: int, part: Part, place: int, record: int) -> bytes:
    data = os.pread(descriptor, part.length, place)
    if not part.records:
        return data
    return data + _moved(os.pread(descriptor, part.records, record), -place)


def _moved(records: bytes, by: int) -> bytes:
    """Records whose entries stand so many bytes further back."""
    moved, at = bytearray(records), 0
    while at < len(records):
        _, size, place = _record(records, at)
        if not 0 <= place + by < _LARGEST_PLACE:
            raise UncutError("a part does not fit")
        struct.pack_into("<L", moved, at + _PLACE, place + by)
        at += size
    return bytes(moved)
