"""Code snapshots: the user's code as one zip, and back as a folder for each run.

Invariants: the same names, contents and x bits give the same bytes; unpacking writes nothing
outside its folder, whatever the zip says.

A snapshot is an ordinary zip with the entries sorted and every time fixed. A name that is not UTF-8
is shown with ``\\xNN`` escapes, and its true bytes stand in an extra field (id 0x5854, "XT") of the
entry. The text of a symbolic link leads upwards first and then downwards, and never above the top.
"""

import contextlib
import difflib
import errno
import fcntl
import fnmatch
import hashlib
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

from xt_core.artifacts.store import storage_error
from xt_core.errors import RefusedError, UnknownNameError, UsageError, WorkFailedError

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

Made = TypeVar("Made")
Progress = Callable[[int, int], None]
"""Called with the number of files, links and empty folders done, and of all of them."""

_MEBIBYTE = 1 << 20
_IN_MEMORY = 8 * _MEBIBYTE
"""Up to this size a file is compressed in one piece, which allows of a fast level."""
_FAST = 1
_ZIP64_FROM = 1 << 30
_LONGEST_LINK = 4096
_MOST = 0.8
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)
_TRUE_NAME = 0x5854
_NARROW = "name less in code.code-dirs, or leave more out with code.code-omit or .gitignore"
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
)
_NO_RANGE_COPY = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


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
class Snapshot:
    """A snapshot that was taken: the zip, its SHA-256, and what it holds.

    ``files`` counts links, too; ``bytes`` is the size of the files' contents. Each of ``warnings``
    names a file that was left out, and says why.
    """

    path: Path
    digest: str
    files: int
    bytes: int
    warnings: list[str]


def take_snapshot(
    spec: SnapshotSpec, destination: Path, progress: Progress | None = None
) -> Snapshot:
    """Write a zip of the user's code to ``destination``, whole or not at all.

    Raises UsageError for a wrong ``code_dirs`` and for more code than the limits allow, and
    RefusedError for what may not be read.
    """
    selection = _Selection(spec, os.path.realpath(destination))
    for text in spec.code_dirs:
        selection.add(_Source.parse(text, spec))
    entries = selection.finish()
    part = destination.parent / f".xt-{os.urandom(8).hex()}.part"
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w") as archive:
            writer = _Writer(archive, spec.max_file_bytes, selection.warnings)
            for done, entry in enumerate(entries, 1):
                writer.add(entry)
                if progress:
                    progress(done, len(entries))
        digest = _digest(part)
        os.replace(part, destination)
    except OSError as error:
        raise storage_error(error, f"cannot write the code snapshot {destination}") from error
    finally:
        part.unlink(missing_ok=True)
    return Snapshot(destination, digest, writer.files, writer.bytes, selection.warnings)


@dataclass(frozen=True)
class _Source:
    """One entry of ``code_dirs``, with its path expanded."""

    path: str
    destination: str
    pattern: str = "*"
    recursive: bool = True

    @classmethod
    def parse(cls, text: str, spec: SnapshotSpec) -> "_Source":
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


class _Entry(NamedTuple):
    """One entry of the archive: ``kind`` is a file type of the stat module."""

    name: str
    source: str
    kind: int
    size: int = 0
    link: str = ""


class _Ignore(NamedTuple):
    """One .gitignore: its folder, with a trailing slash, and its patterns, the last one first."""

    folder: str
    patterns: "list[GitIgnoreSpecPattern]"


class _Selection:
    """Collects what a snapshot will hold; reads no contents but those of .gitignore files."""

    def __init__(self, spec: SnapshotSpec, destination: str) -> None:
        self.warnings: list[str] = []
        self._spec = spec
        self._destination = destination
        self._entries: dict[str, _Entry] = {}
        self._files = 0
        self._omit_name, self._omit_path = _omit_patterns(spec.omit)

    def add(self, source: _Source) -> None:
        if not os.path.isdir(source.path):
            with _readable(source.path):
                self._add_item(source.path, source.destination, os.stat(source.path))
            return
        root = os.path.realpath(source.path)
        if source.destination and source.pattern == "*":
            self._put(_Entry(source.destination, root, stat.S_IFDIR))
        pending = [(root, source.destination, _ignores_above(root))]
        while pending:
            folder, name, ignores = pending.pop()
            for path, item, below in self._scan(folder, root, ignores, source):
                inside = os.path.join(name, os.path.basename(path))
                if stat.S_ISDIR(item.st_mode):
                    pending.append((path, inside, below))
                    if source.pattern == "*":
                        self._put(_Entry(inside, path, stat.S_IFDIR))
                elif stat.S_ISLNK(item.st_mode):
                    self._add_link(path, inside, root)
                else:
                    self._add_item(path, inside, item)

    def finish(self) -> list[_Entry]:
        """The entries sorted by the bytes of their names; raises UsageError past the limits."""
        for entry in list(self._entries.values()):
            target = os.path.normpath(os.path.join(os.path.dirname(entry.name), entry.link))
            if entry.link and target != "." and target not in self._entries:
                self._warn(entry.source, f"it links to {target}, which is left out")
                del self._entries[entry.name]
        parents = {name for entry in self._entries for name in _folders_of(entry)}
        for name in sorted(parents & self._entries.keys()):
            if not stat.S_ISDIR(self._entries[name].kind):
                raise UsageError(
                    f"{name} would be both a file and a folder of the code snapshot",
                    "give one entry of code.code-dirs a folder of its own: DIR::DEST",
                )
            del self._entries[name]  # what is in it brings it along
        total = sum(entry.size for entry in self._entries.values())
        limit = self._spec.max_total_bytes
        if total > limit:
            raise self._too_much(f"{_size(total)}, over the limit of {_size(limit)}", True)
        return sorted(self._entries.values(), key=lambda entry: os.fsencode(entry.name))

    def _scan(
        self, folder: str, root: str, ignores: tuple[_Ignore, ...], source: _Source
    ) -> Iterator[tuple[str, os.stat_result, tuple[_Ignore, ...]]]:
        """What is to be kept of one folder, by name: path, status, rules that hold below."""
        items: list[os.DirEntry[str]] = []
        with _readable(folder), os.scandir(folder) as scan:
            items = sorted(scan, key=lambda item: item.name)
        if any(item.name == ".gitignore" for item in items if item.is_file()):
            ignores = (*ignores, *self._gitignore(folder))
        for item in items:
            is_folder = item.is_dir(follow_symlinks=False)
            if is_folder and not source.recursive:
                continue
            if not is_folder and not fnmatch.fnmatchcase(item.name, source.pattern):
                continue
            relative = item.path[len(root.rstrip("/")) + 1 :]
            if self._omit_name(item.name) or self._omit_path(relative):
                continue
            if _is_ignored(ignores, item.path, is_folder) or item.path == self._destination:
                continue
            status = None
            with _readable(item.path):
                status = item.stat(follow_symlinks=False)
            if status:
                yield item.path, status, ignores

    def _gitignore(self, folder: str) -> list[_Ignore]:
        path = os.path.join(folder, ".gitignore")
        found: list[_Ignore] = []
        with _readable(path):
            rules, wrong = _read_gitignore(path)
            found.append(_Ignore(folder.rstrip("/") + "/", rules))
            for line in wrong:
                self.warnings.append(f"{path}: the pattern {line!r} is not valid and was ignored")
        return found

    def _add_link(self, path: str, name: str, root: str) -> None:
        target = os.path.realpath(path)
        try:
            status = os.stat(path)
        except OSError:
            self._warn(path, "it is a broken link")
            return
        if target == root or target.startswith(root.rstrip("/") + "/"):
            link = os.path.relpath(target, os.path.dirname(path))
            self._put(_Entry(name, path, stat.S_IFLNK, link=link))
        elif stat.S_ISDIR(status.st_mode):
            self._warn(path, f"it links to a folder outside, {target}")
        else:
            self._add_item(path, name, status)

    def _add_item(self, path: str, name: str, status: os.stat_result) -> None:
        limit = self._spec.max_file_bytes
        if not stat.S_ISREG(status.st_mode):
            self._warn(path, "it is a pipe, socket or device")
        elif status.st_size > limit:
            size = f"{_size(status.st_size)}, over the limit of {_size(limit)}"
            self._warn(path, f"it has {size} (code.max-file-mb)")
        else:
            self._put(_Entry(name, path, stat.S_IFREG, status.st_size))

    def _put(self, entry: _Entry) -> None:
        known = self._entries.setdefault(entry.name, entry)
        if known is not entry:
            if known.source != entry.source and {known.kind, entry.kind} != {stat.S_IFDIR}:
                self._warn(entry.source, f"{known.source} has its name in the snapshot")
        elif entry.kind != stat.S_IFDIR:
            self._files += 1
            if self._files > self._spec.max_files:
                raise self._too_much(f"more than {self._spec.max_files:,} files", False)

    def _warn(self, path: str, reason: str) -> None:
        self.warnings.append(f"{path} is left out: {reason}")

    def _too_much(self, what: str, by_size: bool) -> UsageError:
        folders = ", ".join(_biggest_folders(list(self._entries.values()), by_size))
        return UsageError(
            f"the code snapshot would hold {what}; the biggest folders: {folders}", _NARROW
        )


def _folders_of(name: str) -> Iterator[str]:
    while name := name.rpartition("/")[0]:
        yield name


def _biggest_folders(entries: list[_Entry], by_size: bool) -> list[str]:
    """The three biggest, each followed downwards as long as one folder holds most of it."""
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for entry in entries:
        if entry.kind != stat.S_IFDIR:
            for folder in _folders_of(entry.name):
                sizes[folder] += entry.size
                files[folder] += 1
    weight = sizes if by_size else files
    below: dict[str, list[str]] = {}
    for folder, _ in weight.most_common():
        below.setdefault(os.path.dirname(folder), []).append(folder)
    biggest = []
    for folder in below.get("", [])[:3]:
        while folder in below and weight[below[folder][0]] > _MOST * weight[folder]:
            folder = below[folder][0]
        biggest.append(f"{folder} ({files[folder]:,} files, {_size(sizes[folder])})")
    return biggest or ["all of it lies in the top folder"]


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"


@contextlib.contextmanager
def _readable(path: str) -> Iterator[None]:
    """Pass over what has vanished; raise RefusedError for what may not be read."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError as error:
        raise RefusedError(
            f"cannot read {path} for the code snapshot: {error.strerror}",
            "make it readable, or leave it out with code.code-omit",
        ) from error
    except OSError as error:
        raise storage_error(error, f"cannot read {path} for the code snapshot") from error


Matcher = Callable[[str], object]


def _omit_patterns(omit: list[str]) -> tuple[Matcher, Matcher]:
    """One matcher for names, one for relative paths."""
    names, paths = [], []
    for text in omit:
        pattern = text.removeprefix("./").removesuffix("/**").rstrip("/")
        if "/" not in pattern:
            names.append(pattern)
            continue
        paths.append(pattern.lstrip("/"))
        if pattern.startswith("**/"):
            paths.append(pattern.removeprefix("**/"))
    return _any_of(names), _any_of(paths)


def _any_of(globs: list[str]) -> Matcher:
    if not globs:
        return lambda _: None
    return re.compile("|".join(map(fnmatch.translate, globs))).match


def _is_ignored(ignores: tuple[_Ignore, ...], path: str, is_folder: bool) -> bool:
    """Git's verdict on a path whose folder is not ignored: the last pattern of the deepest file."""
    path += "/" * is_folder
    for folder, patterns in reversed(ignores):
        if path.startswith(folder) and path != folder:
            relative = path[len(folder) :]
            for pattern in patterns:
                result = pattern.match_file(relative)
                if result and _means_itself(result.match, relative, is_folder):
                    return bool(pattern.include)
    return False


def _means_itself(match: re.Match[str], path: str, is_folder: bool) -> bool:
    """Whether a pattern of pathspec has matched the path and not just a folder above it.

    Git asks of each folder first, so that ``!src`` does not bring back ``src/main.pyc``; pathspec
    matches whatever is below, and its one group tells where the folder that was meant ends.
    """
    if match.lastindex:
        return match.end(match.lastindex) == len(path)
    return not is_folder or match.end() < len(path)  # "a/**" does not mean "a/"


def _ignores_above(root: str) -> tuple[_Ignore, ...]:
    """Rules from the folders above, up to the top of the Git checkout.

    None hold if they would ignore ``root`` itself, which was asked for by name.
    """
    above = [root]
    while not os.path.lexists(os.path.join(above[-1], ".git")):
        if above[-1] == "/":
            return ()
        above.append(os.path.dirname(above[-1]))
    ignores = []
    for folder in reversed(above[1:]):
        path = os.path.join(folder, ".gitignore")
        if os.path.isfile(path):
            with _readable(path):
                ignores.append(_Ignore(folder.rstrip("/") + "/", _read_gitignore(path)[0]))
    found = tuple(ignores)
    return () if any(_is_ignored(found, folder, True) for folder in above[:-1]) else found


def _read_gitignore(path: str) -> tuple["list[GitIgnoreSpecPattern]", list[str]]:
    """The patterns of one .gitignore, the last one first, and the lines that are none."""
    from pathspec import GitIgnoreSpec

    with open(path, "rb") as file:
        text = file.read().decode("utf-8-sig", "surrogateescape")
    patterns: list[GitIgnoreSpecPattern] = []
    wrong = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if line.removeprefix("!") in ("*/", "**/") or line.endswith("/**/"):
            # So spelt, pathspec's match ends with the deepest folder, as _means_itself needs it.
            line = line.removesuffix("*/").removesuffix("*") + "**/?*/"
        try:
            patterns[:0] = GitIgnoreSpec.from_lines([line]).patterns
        except ValueError:
            wrong.append(line)
    return [pattern for pattern in patterns if pattern.include is not None], wrong


class _Writer:
    """Writes entries into an archive and counts them."""

    def __init__(self, archive: zipfile.ZipFile, limit: int, warnings: list[str]) -> None:
        self.files = 0
        self.bytes = 0
        self._archive = archive
        self._limit = limit
        self._warnings = warnings
        self._names: set[str] = set()

    def add(self, entry: _Entry) -> None:
        if entry.kind == stat.S_IFDIR:
            self._archive.writestr(self._info(entry.name + "/", stat.S_IFDIR | 0o755), b"")
        elif entry.kind == stat.S_IFLNK:
            info = self._info(entry.name, stat.S_IFLNK | 0o777)
            self._archive.writestr(info, os.fsencode(entry.link))
            self.files += 1
        else:
            descriptor = -1
            with _readable(entry.source):
                # A pipe that took the file's place must not block.
                descriptor = os.open(entry.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(descriptor) if descriptor >= 0 else None
            if status and stat.S_ISREG(status.st_mode):
                with open(descriptor, "rb") as file:
                    self._add_file(entry.name, file, status)
                return
            if status:
                os.close(descriptor)
            self._warnings.append(f"{entry.source} is left out: it vanished")

    def _add_file(self, name: str, file: BinaryIO, status: os.stat_result) -> None:
        size = min(status.st_size, self._limit)  # a file that grows is cut here
        info = self._info(name, stat.S_IFREG | (0o755 if status.st_mode & 0o111 else 0o644))
        if size <= _IN_MEMORY:
            data = file.read(size)
            self._archive.writestr(info, data, zipfile.ZIP_DEFLATED, _FAST)
            self.bytes += len(data)
        else:
            info.compress_type = zipfile.ZIP_DEFLATED
            with self._archive.open(info, "w", force_zip64=size > _ZIP64_FROM) as sink:
                while size and (data := file.read(min(size, _MEBIBYTE))):
                    sink.write(data)
                    size -= len(data)
                    self.bytes += len(data)
        self.files += 1

    def _info(self, name: str, mode: int) -> zipfile.ZipInfo:
        raw = os.fsencode(name)
        shown = raw.decode("utf-8", "backslashreplace")
        while shown in self._names:
            shown += "~"
        self._names.add(shown)
        info = zipfile.ZipInfo(shown, _FIRST_TIME)
        info.create_system = 3  # Unix, whose modes follow
        info.external_attr = mode << 16
        if shown != name:
            info.extra = struct.pack("<HH", _TRUE_NAME, len(raw)) + raw
        return info


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack_snapshot(zip_path: Path, target_dir: Path) -> None:
    """Restore files, x bits and symbolic links below ``target_dir``, replacing files of the names.

    Raises UnknownNameError if there is no zip, WorkFailedError if it is damaged, and RefusedError
    if an entry would lie or lead outside the folder.
    """
    try:
        with zipfile.ZipFile(zip_path) as archive:
            _unpack(archive, os.fspath(zip_path), os.fspath(target_dir))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.exists(zip_path):
            raise UnknownNameError(f"there is no code snapshot {zip_path}") from error
        raise storage_error(error, f"cannot unpack {zip_path} into {target_dir}") from error
    except _DAMAGED as error:
        raise WorkFailedError(
            f"the code snapshot {zip_path} is damaged: {error}", "submit the job once more"
        ) from error


def _unpack(archive: zipfile.ZipFile, source: str, target: str) -> None:
    entries: dict[str, tuple[zipfile.ZipInfo, int, str]] = {}
    for info in archive.infolist():
        name, kind = _true_name(info), stat.S_IFMT(info.external_attr >> 16)
        kind = stat.S_IFDIR if name.endswith("/") else kind or stat.S_IFREG
        name = name.removesuffix("/")
        is_link = kind == stat.S_IFLNK and info.file_size <= _LONGEST_LINK
        link = os.fsdecode(archive.read(info)) if is_link else ""
        if name in entries or not _stays_inside(name, kind, link):
            raise _outside(source, name)
        entries[name] = info, kind, link
    for name in entries:
        above = [entries[folder][1] for folder in _folders_of(name) if folder in entries]
        if any(kind != stat.S_IFDIR for kind in above):
            raise _outside(source, name)
    os.makedirs(target, exist_ok=True)
    made: set[str] = set()
    for name, (info, kind, link) in entries.items():
        for folder in (*reversed([*_folders_of(name)]), *[name] * (kind == stat.S_IFDIR)):
            if folder not in made:
                _make_folder(os.path.join(target, folder))
                made.add(folder)
        path = os.path.join(target, name)
        if kind == stat.S_IFLNK:
            _replacing(path, partial(os.symlink, link))
        elif kind == stat.S_IFREG:
            mode = 0o777 if info.external_attr >> 16 & 0o111 else 0o666
            with archive.open(info) as packed, open(_create(path, mode), "wb") as file:
                shutil.copyfileobj(packed, file, _MEBIBYTE)


def _true_name(info: zipfile.ZipInfo) -> str:
    extra = info.extra
    while len(extra) >= 4:
        identifier, length = struct.unpack_from("<HH", extra)
        if identifier == _TRUE_NAME:
            return os.fsdecode(extra[4 : 4 + length])
        extra = extra[4 + length :]
    return info.filename


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


def _make_folder(path: str) -> None:
    """Make a folder in one that exists; a link in its place would lead elsewhere."""
    try:
        os.mkdir(path)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise


def _create(path: str, mode: int) -> int:
    """Open a new file for writing, in the place of an old one or of a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return _replacing(path, lambda new: os.open(new, flags, mode))


def _replacing(path: str, make: Callable[[str], Made]) -> Made:
    try:
        return make(path)
    except FileExistsError:
        os.unlink(path)
        return make(path)


class SnapshotCache:
    """Unpacked snapshots below ``root``, from which runs get their copies.

    Invariant: ``root/DIGEST`` is whole and never changes. Any number of processes may use one root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def materialize(self, zip_path: Path, digest: str, target_dir: Path) -> None:
        """Copy the snapshot's files into ``target_dir``, unpacking it if it is new here.

        Once unpacked, the zip is not needed. Raises what `unpack_snapshot` raises, and
        WorkFailedError if the zip has not that SHA-256.
        """
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise UsageError(f"{digest!r} is not a SHA-256 in lower-case hexadecimal")
        tree = os.path.join(self.root, digest)
        try:
            with self._locked(fcntl.LOCK_SH):
                if not os.path.isdir(tree):
                    self._unpack(zip_path, digest, tree)
                os.utime(tree)  # for prune()
                _copy_tree(tree, os.fspath(target_dir))
        except OSError as error:
            raise storage_error(error, f"cannot unpack {zip_path} into {target_dir}") from error

    def prune(self, keep_bytes: int) -> int:
        """Remove the least recently used snapshots until the rest take ``keep_bytes`` or less.

        Returns how many bytes were removed.
        """
        trees = sorted((path.stat().st_mtime, os.fspath(path)) for path in self._trees())
        sizes = [_tree_size(tree) for _, tree in trees]
        rest = sum(sizes)
        removed = 0
        try:
            with self._locked(fcntl.LOCK_EX):
                # Whoever unpacks holds the lock: these were left by processes that died.
                doomed = [os.fspath(path) for path in self.root.glob(".xt-*")]
                for (_, tree), size in zip(trees, sizes, strict=True):
                    if rest - removed <= keep_bytes:
                        break
                    doomed.append(self._temporary())
                    with contextlib.suppress(FileNotFoundError):  # another prune was faster
                        os.rename(tree, doomed[-1])
                    removed += size
        except OSError as error:
            raise storage_error(error, f"cannot prune {self.root}") from error
        for path in doomed:
            shutil.rmtree(path, ignore_errors=True)
        return removed

    def _unpack(self, zip_path: Path, digest: str, tree: str) -> None:
        if not zip_path.is_file():
            raise UnknownNameError(f"there is no code snapshot {zip_path}")
        if _digest(zip_path) != digest:
            raise WorkFailedError(
                f"the code snapshot {zip_path} is damaged: its SHA-256 is not {digest}",
                "submit the job once more",
            )
        temporary = self._temporary()
        try:
            unpack_snapshot(zip_path, Path(temporary))
            os.rename(temporary, tree)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else another process was faster
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _temporary(self) -> str:
        return os.path.join(self.root, f".xt-{os.urandom(8).hex()}")

    def _trees(self) -> Iterator[Path]:
        return self.root.glob("[0-9a-f]" * 64)

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the cache's lock: shared to use trees, exclusive to take them away."""
        os.makedirs(self.root, exist_ok=True)
        path = os.path.join(self.root, ".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _tree_size(tree: str) -> int:
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(tree)
        for name in names
    )


def _copy_tree(source: str, target: str) -> None:
    """Copy files, x bits and links; hard links would let one run change another's code."""
    os.makedirs(target, exist_ok=True)
    pending = [(source, target)]
    while pending:
        folder, copy = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = os.path.join(copy, entry.name)
                if entry.is_symlink():
                    _replacing(path, partial(os.symlink, os.readlink(entry.path)))
                elif entry.is_dir():
                    _make_folder(path)
                    pending.append((entry.path, path))
                else:
                    _copy_file(entry.path, path)


def _copy_file(source: str, target: str) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(reader)
        writer = _create(target, stat.S_IMODE(status.st_mode))
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
