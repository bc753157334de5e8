"""What is asked for: the entries of ``code-dirs``, and the limits."""

import contextlib
import difflib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from xt_core.errors import UsageError

_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class SnapshotSpec:
    """What goes into a snapshot. ``$scriptdir``, ``~`` and paths relative to ``base`` are expanded.

    An entry of ``code_dirs`` is ``DIR/**`` (what is in the folder), ``DIR`` (the folder, under its
    name; ``$scriptdir`` and ``.`` have none), ``DIR/*.py`` (matching files of the folder),
    ``DIR/**/*.py`` (and of those below it) or ``FILE``; ``::DEST`` after it names a folder of the
    snapshot to put it in, or a file's new name. ``omit`` holds names and globs, matched with each
    part of a path, and with the path from the folder named in ``code_dirs``.
    """

    script_dir: Path
    code_dirs: list[str] = field(default_factory=lambda: ["$scriptdir/**"])
    omit: list[str] = field(default_factory=lambda: [".git", "__pycache__"])
    max_file_bytes: int = 100 * _MEBIBYTE
    max_total_bytes: int = 1024 * _MEBIBYTE
    max_files: int = 20_000
    base: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True)
class Source:
    """One entry of ``code_dirs``, with its path expanded."""

    path: str
    destination: str
    pattern: str = "*"
    recursive: bool = True

    @classmethod
    def parse(cls, text: str, spec: SnapshotSpec) -> "Source":
        named, separator, into = text.partition("::")
        path = _expand(named, spec)
        folder = _archive_folder(into, text)
        if os.path.isdir(path):
            own_name = named.rstrip("/").rpartition("/")[2]
            if separator or own_name in ("", ".", "..", "$scriptdir"):
                return cls(path, folder)
            return cls(path, os.path.basename(os.path.expanduser(own_name)))
        if os.path.exists(path):
            renamed = folder and not into.endswith("/")
            return cls(path, folder if renamed else os.path.join(folder, os.path.basename(path)))
        match = re.fullmatch(r"(|/|[^*?[]+/)(\*\*/)?([^/]+)", named)
        path = _expand(match[1], spec) if match and re.search(r"[*?[]", named) else path
        if not match or not os.path.isdir(path):
            raise _no_such_source(path, text)
        everything = match[3] == "**"
        return cls(path, folder, "*" if everything else match[3], everything or bool(match[2]))


def _expand(named: str, spec: SnapshotSpec) -> str:
    if re.match(r"\$scriptdir(/|$)", named):
        named = os.fspath(spec.script_dir) + named.removeprefix("$scriptdir")
    return os.path.normpath(os.path.join(spec.base, os.path.expanduser(named)))


def _archive_folder(into: str, text: str) -> str:
    parts = [part for part in into.split("/") if part not in ("", ".")]
    if into.startswith("/") or ".." in parts:
        raise UsageError(
            f"code.code-dirs: {text!r} leads out of the snapshot", "name a folder in it after '::'"
        )
    return "/".join(parts)


def _no_such_source(path: str, text: str) -> UsageError:
    folder, name = os.path.split(path)
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = os.listdir(folder)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else "name a folder, FOLDER/**, or a file"
    return UsageError(f"code.code-dirs: {text!r}: there is no {path}", hint)
