"""Trees of files on the disk: their parts made anew, copied whole, measured."""

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Made = TypeVar("Made")

_MEBIBYTE = 1 << 20
_NO_RANGE_COPY = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def copy_tree(source: str, target: str) -> None:
    """Copy files, x bits and links; hard links would let one run change another's code."""
    os.makedirs(target, exist_ok=True)
    pending = [(source, target)]
    while pending:
        folder, copy = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = os.path.join(copy, entry.name)
                if entry.is_symlink():
                    replacing(path, partial(os.symlink, os.readlink(entry.path)))
                elif entry.is_dir():
                    make_folder(path)
                    pending.append((entry.path, path))
                else:
                    _copy_file(entry.path, path)


def _copy_file(source: str, target: str) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(reader)
        writer = create_file(target, stat.S_IMODE(status.st_mode))
        try:
            _copy_contents(reader, writer, status.st_size)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _copy_contents(reader: int, writer: int, size: int) -> None:
    if size > _MEBIBYTE and hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(reader, writer, size):
                pass
        except OSError as error:
            if error.errno not in _NO_RANGE_COPY:
                raise
    while data := os.read(reader, _MEBIBYTE):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(writer, rest) :]


def tree_size(tree: str) -> int:
    """The bytes of the files and links in a tree."""
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(tree)
        for name in names
    )


def make_folder(path: str) -> None:
    """Make a folder in one that exists; a link in its place would lead elsewhere."""
    try:
        os.mkdir(path)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise


def create_file(path: str, mode: int) -> int:
    """Open a new file for writing, in the place of an old one or of a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return replacing(path, lambda new: os.open(new, flags, mode))


def replacing(path: str, make: Callable[[str], Made]) -> Made:
    """Make what has no old one in its place, or take the old one away first."""
    try:
        return make(path)
    except FileExistsError:
        os.unlink(path)
        return make(path)
