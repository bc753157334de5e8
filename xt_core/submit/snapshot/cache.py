"""The unpacked snapshots of a node."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from xt_core.artifacts.store import storage_error
from xt_core.errors import UnknownNameError, UsageError, WorkFailedError
from xt_core.submit.snapshot.format import digest_of
from xt_core.submit.snapshot.trees import copy_tree, tree_size
from xt_core.submit.snapshot.unpacking import unpack_snapshot


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
                copy_tree(tree, os.fspath(target_dir))
        except OSError as error:
            raise storage_error(error, f"cannot unpack {zip_path} into {target_dir}") from error

    def prune(self, keep_bytes: int) -> int:
        """Remove the least recently used snapshots until the rest take ``keep_bytes`` or less.

        Returns how many bytes were removed.
        """
        trees = sorted((path.stat().st_mtime, os.fspath(path)) for path in self._trees())
        sizes = [tree_size(tree) for _, tree in trees]
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
        if digest_of(zip_path) != digest:
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
