"""Unpacking a snapshot, which may be damaged or made to do harm."""

import os
import shutil
import stat
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import NamedTuple

from xt_core.artifacts.store import storage_error
from xt_core.errors import RefusedError, UnknownNameError, WorkFailedError
from xt_core.submit.snapshot.format import folders_of, true_name
from xt_core.submit.snapshot.trees import create_file, make_folder, replacing

_MEBIBYTE = 1 << 20
_LONGEST_LINK = 4096
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
)


def unpack_snapshot(zip_path: Path, target_dir: Path) -> None:
    """Restore files, x bits and symbolic links below ``target_dir``, replacing files of the names.

    Raises UnknownNameError if there is no zip, WorkFailedError if it is damaged, and RefusedError
    if an entry would lie or lead outside the folder.
    """
    try:
        with zipfile.ZipFile(zip_path) as archive:
            _write(archive, _checked(archive, os.fspath(zip_path)), os.fspath(target_dir))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.exists(zip_path):
            raise UnknownNameError(f"there is no code snapshot {zip_path}") from error
        raise storage_error(error, f"cannot unpack {zip_path} into {target_dir}") from error
    except _DAMAGED as error:
        raise WorkFailedError(
            f"the code snapshot {zip_path} is damaged: {error}", "submit the job once more"
        ) from error


class _Packed(NamedTuple):
    """An entry of the zip: ``kind`` is a file type of the stat module."""

    info: zipfile.ZipInfo
    kind: int
    link: str


def _checked(archive: zipfile.ZipFile, source: str) -> dict[str, _Packed]:
    """The entries by name; raises RefusedError before anything is written."""
    entries: dict[str, _Packed] = {}
    for info in archive.infolist():
        name, kind = true_name(info), stat.S_IFMT(info.external_attr >> 16)
        kind = stat.S_IFDIR if name.endswith("/") else kind or stat.S_IFREG
        name = name.removesuffix("/")
        is_link = kind == stat.S_IFLNK and info.file_size <= _LONGEST_LINK
        link = os.fsdecode(archive.read(info)) if is_link else ""
        if name in entries or not _stays_inside(name, kind, link):
            raise _outside(source, name)
        entries[name] = _Packed(info, kind, link)
    for name in entries:
        above = [entries[folder].kind for folder in folders_of(name) if folder in entries]
        if any(kind != stat.S_IFDIR for kind in above):
            raise _outside(source, name)
    return entries


def _write(archive: zipfile.ZipFile, entries: dict[str, _Packed], target: str) -> None:
    os.makedirs(target, exist_ok=True)
    made: set[str] = set()
    for name, (info, kind, link) in entries.items():
        folders = [name, *folders_of(name)] if kind == stat.S_IFDIR else [*folders_of(name)]
        for folder in reversed(folders):
            if folder not in made:
                make_folder(os.path.join(target, folder))
                made.add(folder)
        path = os.path.join(target, name)
        if kind == stat.S_IFLNK:
            replacing(path, partial(os.symlink, link))
        elif kind == stat.S_IFREG:
            mode = 0o777 if info.external_attr >> 16 & 0o111 else 0o666
            with archive.open(info) as packed, open(create_file(path, mode), "wb") as file:
                shutil.copyfileobj(packed, file, _MEBIBYTE)


def _stays_inside(name: str, kind: int, link: str) -> bool:
    """Whether an entry may be written, given that all links are checked and folders are real."""
    parts = name.split("/")
    if "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        return False
    if kind != stat.S_IFLNK:
        return kind in (stat.S_IFREG, stat.S_IFDIR)
    steps = link.split("/")
    upwards = next((i for i, step in enumerate(steps) if step != ".."), len(steps))
    # A ".." after a name could climb out of a folder that is itself a link.
    return link[:1] not in ("", "/") and upwards < len(parts) and ".." not in steps[upwards:]


def _outside(source: str, name: str) -> RefusedError:
    return RefusedError(
        f"the code snapshot {source} was not unpacked: its entry {name!r} may lead outside",
        "XT writes no such snapshots; find out where it comes from",
    )
