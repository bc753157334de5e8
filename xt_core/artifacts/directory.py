"""The artifact store in a folder: a key is a file's path below the root.

Invariant: a file below a key's path is complete. Bytes are written under ``.tmp`` and then renamed,
so a writer that dies leaves something there only. ``.shared/DIGEST`` holds each shared content
once, and its keys are hard links to it. Nothing is synced to disk: a power failure may lose the
last seconds' artifacts, a crash of the program may not.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from xt_core import clock
from xt_core.artifacts.directory_log import append_at
from xt_core.artifacts.store import (
    RESERVED_NAMES,
    ArtifactInfo,
    check_depth,
    check_digest,
    check_key,
    check_prefix,
    check_regular,
    storage_error,
)
from xt_core.artifacts.transfers import Moved, Progress, transfer
from xt_core.errors import UnavailableError, UnknownNameError, UsageError, XTError

_T = TypeVar("_T")
_ABANDONED_SECONDS = 86_400.0
_ATTEMPTS = 100
_NO_LINK = {
    errno.EPERM,
    errno.EMLINK,
    errno.EXDEV,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EACCES,
}


class DirectoryStore:
    """Artifacts as files below ``root``, which is made at the first write.

    New files get the modes of the process's umask; one that is consumed keeps its own.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = os.path.abspath(root)
        self._temporary = os.path.join(self._root, ".tmp")
        self._shared = os.path.join(self._root, ".shared")

    def put_bytes(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with self._reporting("store", key, path):
            temporary = self._new_temporary()
            try:
                self._in_folder(temporary, lambda: _write(temporary, data))
                self._in_folder(path, lambda: os.replace(temporary, path))
            except BaseException:
                _discard(temporary)
                raise

    def put_file(self, key: str, path: Path, *, consume: bool = False) -> None:
        target = self._path(key)
        check_regular(path)
        with self._reporting("store", key, target):
            if consume and self._rename(path, target):
                return
            temporary = self._new_temporary()
            try:
                self._in_folder(temporary, lambda: _copy(path, temporary))
                self._in_folder(target, lambda: os.replace(temporary, target))
            except BaseException:
                _discard(temporary)
                raise
            if consume:
                _discard(os.fspath(path))

    def put_files(
        self, files: Iterable[tuple[str, Path]], progress: Progress | None = None
    ) -> dict[str, XTError]:
        return transfer(files, self._put, progress)

    def put_shared(self, key: str, path: Path, digest: str) -> None:
        target = self._path(key)
        check_digest(digest)
        check_regular(path)
        shared = os.path.join(self._shared, digest)
        with self._reporting("store", key, target):
            self._share(path, shared)
            if not self._link(shared, target):
                self.put_file(key, path)

    def append(self, key: str, offset: int, data: bytes) -> int:
        path = self._path(key)
        with self._reporting("append to", key, path):
            return self._in_folder(path, lambda: append_at(path, offset, data))

    def get_bytes(self, key: str) -> bytes:
        with self.open(key) as stream:
            return stream.read()

    def open(self, key: str) -> BinaryIO:
        path = self._path(key)
        with self._reporting("read", key, path):
            try:
                return open(path, "rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise self._unknown(key) from None

    def get_file(self, key: str, path: Path) -> None:
        part = path.parent / f".xt-{os.urandom(8).hex()}.part"
        source = self.local_path(key)
        with self._reporting("download", key, os.fspath(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                _copy(source, os.fspath(part))
                os.replace(part, path)
            except BaseException:
                _discard(os.fspath(part))
                raise

    def get_files(
        self, files: Iterable[tuple[str, Path]], progress: Progress | None = None
    ) -> dict[str, XTError]:
        return transfer(files, self._get, progress)

    def stat(self, key: str) -> ArtifactInfo:
        path = self._path(key)
        with self._reporting("read", key, path):
            try:
                status = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                raise self._unknown(key) from None
        if not stat.S_ISREG(status.st_mode):
            raise self._unknown(key)
        return ArtifactInfo(key, status.st_size, status.st_mtime)

    def exists(self, key: str) -> bool:
        path = self._path(key)
        with self._reporting("read", key, path):
            try:
                return stat.S_ISREG(os.lstat(path).st_mode)
            except (FileNotFoundError, NotADirectoryError):
                return False

    def list(self, prefix: str = "", depth: int | None = None) -> Iterator[ArtifactInfo]:
        folder = check_prefix(prefix)
        check_depth(depth)
        return self._walk(folder, depth)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._reporting("delete", key, path):
            try:
                status = os.lstat(path)
                if not stat.S_ISREG(status.st_mode):
                    raise self._unknown(key)
                os.unlink(path)
            except (FileNotFoundError, NotADirectoryError):
                raise self._unknown(key) from None
            self._remove_empty_folders(os.path.dirname(path))
            if status.st_nlink > 1:
                self.sweep()

    def delete_prefix(self, prefix: str) -> int:
        """Each folder vanishes in one rename before its files are removed."""
        folder = check_prefix(prefix)
        count = sum(1 for _ in self._walk(folder, None))
        if folder:
            names = [folder.removesuffix("/")]
        else:
            names = [info.key.removesuffix("/") for info in self._walk("", 1)]
        for name in names:
            path = os.path.join(self._root, name)
            with self._reporting("delete", name, path):
                self._remove_folder(path)
        self.sweep()
        return count

    def local_path(self, key: str) -> Path:
        self.stat(key)
        return Path(self._path(key))

    def sweep(self) -> None:
        """Remove shared contents that no key uses, and what writers that died left a day ago."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._shared) as shared:
            for entry in shared:
                # A key linked since the look is safe: it has its own link to the bytes.
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_nlink == 1:
                        os.unlink(entry.path)
        oldest = clock.now() - _ABANDONED_SECONDS
        with contextlib.suppress(FileNotFoundError), os.scandir(self._temporary) as temporary:
            for entry in temporary:
                with contextlib.suppress(OSError):
                    # Linking and renaming touch ctime only.
                    if entry.stat(follow_symlinks=False).st_ctime < oldest:
                        _remove(entry.path)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _put(self, key: str, path: Path, moved: Moved) -> None:
        self.put_file(key, path)
        moved(self.stat(key).size)

    def _get(self, key: str, path: Path, moved: Moved) -> None:
        self.get_file(key, path)
        moved(path.stat().st_size)

    def _path(self, key: str) -> str:
        return os.path.join(self._root, check_key(key))

    def _new_temporary(self) -> str:
        return os.path.join(self._temporary, os.urandom(12).hex())

    @contextlib.contextmanager
    def _reporting(self, action: str, key: str, path: str) -> Iterator[None]:
        """Turn an OSError into the user-facing error that names the key and its file."""
        try:
            yield
        except OSError as error:
            raise storage_error(error, f"cannot {action} {key} ({path})") from error

    def _unknown(self, key: str) -> UnknownNameError:
        import difflib

        folder, _, name = key.rpartition("/")
        names: set[str] = set()
        with contextlib.suppress(OSError):
            names.update(sorted(os.listdir(os.path.join(self._root, folder)))[:500])
        near = difflib.get_close_matches(name, names - RESERVED_NAMES - {name}, 1)
        beside = f"{folder}/{near[0]}" if folder and near else "".join(near)
        return UnknownNameError(
            f"no artifact {key} in {self._root}",
            f"did you mean {beside}?" if near else "xt list blobs shows what there is",
        )

    def _in_folder(self, path: str, write: Callable[[], _T]) -> _T:
        """Do ``write``, making the folders of ``path`` as often as a deletion takes them away."""
        for _ in range(_ATTEMPTS):
            try:
                return write()
            except FileNotFoundError:
                # A deletion may come in the midst of makedirs, too; write() reports the rest.
                with contextlib.suppress(FileNotFoundError, FileExistsError):
                    os.makedirs(os.path.dirname(path), exist_ok=True)
        raise UnavailableError(f"{os.path.dirname(path)} keeps vanishing")

    def _rename(self, path: Path, target: str) -> bool:
        """Move a file into the store; False where only a copy can do it."""

        def move() -> None:
            try:
                os.replace(path, target)
            except FileNotFoundError:
                check_regular(path)
                raise

        if os.path.islink(path):
            return False
        try:
            self._in_folder(target, move)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        return True

    def _share(self, path: Path, shared: str) -> None:
        """See to it that ``shared`` holds the contents of ``path``."""
        place: Callable[[str, str], None] = (
            os.link
        )  # which leaves alone what another process has just placed
        with contextlib.suppress(FileNotFoundError):
            if os.lstat(shared).st_size == os.stat(path).st_size:
                return
            place = os.replace  # a power failure has cut it short
        temporary = self._new_temporary()
        try:
            self._in_folder(temporary, lambda: _copy(path, temporary))
            self._in_folder(shared, lambda: place(temporary, shared))
        except FileExistsError:
            pass
        except OSError as error:
            if place is os.replace or error.errno not in _NO_LINK:
                raise
        finally:
            _discard(temporary)

    def _link(self, shared: str, target: str) -> bool:
        """Make ``target`` a hard link to ``shared``; False where the file system refuses."""
        temporary = self._new_temporary()
        try:
            os.link(shared, temporary)
            self._in_folder(target, lambda: os.replace(temporary, target))
        except FileNotFoundError:
            return False  # swept in between
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            return False
        finally:
            # Renaming a link onto another link of the same file leaves both.
            _discard(temporary)
        return True

    def _walk(self, prefix: str, depth: int | None) -> Iterator[ArtifactInfo]:
        path = os.path.join(self._root, prefix)
        with self._reporting("list", prefix or "the artifacts", path):
            entries = _entries(path)
        for name, entry in entries:
            key = prefix + name
            if name.endswith("/"):
                if key.removesuffix("/") in RESERVED_NAMES:
                    continue
                if depth != 1:
                    yield from self._walk(key, depth and depth - 1)
                elif next(self._walk(key, None), None):
                    yield ArtifactInfo(key, 0, 0.0)
                continue
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield ArtifactInfo(key, status.st_size, status.st_mtime)

    def _remove_empty_folders(self, folder: str) -> None:
        with contextlib.suppress(OSError):
            while folder != self._root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)

    def _remove_folder(self, path: str) -> None:
        doomed = self._new_temporary()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                return
            os.makedirs(self._temporary, exist_ok=True)
            os.rename(path, doomed)
            _remove(doomed)
            self._remove_empty_folders(os.path.dirname(path))


def _entries(folder: str) -> list[tuple[str, os.DirEntry[str]]]:
    """What is in a folder, in the order of whole keys: a folder sorts as ``name/``."""
    try:
        with os.scandir(folder) as entries:
            named = [
                (entry.name + "/" * entry.is_dir(follow_symlinks=False), entry) for entry in entries
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(named, key=lambda pair: pair[0])


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _copy(source: Path, target: str) -> None:
    """Copy contents and the x bits to a file that must not exist."""
    import shutil

    try:
        mode = 0o777 if os.stat(source).st_mode & 0o111 else 0o666
    except FileNotFoundError as error:
        raise UsageError(f"{source} vanished while it was copied") from error
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    shutil.copyfile(source, target)


def _remove(path: str) -> None:
    import shutil

    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def _discard(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
