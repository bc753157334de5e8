"""Shares as folders of this machine: each version once, whoever uses it, and read-only.

``contents/DIGEST`` holds what was downloaded and verified, ``trees/VERSION`` are folders of links
to it. Invariant: what has such a name is whole. What is being made lies in ``drafts/VERSION``,
whose maker holds a lock: another process waits for it, and one that died is carried on from.
``incoming/DIGEST`` is the part that has come of a content which a client is bringing.
``.lock`` is held shared by whoever makes or finds a tree, exclusively by whoever removes any.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from xt_core import clock
from xt_core.artifacts.store import storage_error
from xt_core.errors import UnavailableError, UnknownNameError, WorkFailedError, XTError
from xt_core.shares.hashes import hash_file
from xt_core.shares.manifest import Manifest
from xt_core.shares.names import content_key, latest_key, manifest_key
from xt_core.shares.use import MOUNT, ShareUse

GetFiles = Callable[[Iterable[tuple[str, Path]]], dict[str, XTError]]
"""`ArtifactStore.get_files` of the team's store."""

_BATCH_FILES, _BATCH_BYTES = 64, 256 * 1024 * 1024
_NO_LINK = frozenset(
    {errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES}
)


_SUBMIT_AGAIN = "submit the job again: that brings it"


class NotBroughtError(UnknownNameError):
    """A client that keeps the team's storage has not brought it here."""


class AbandonedError(Exception):
    """Nobody waits for the folder any more."""


@dataclass(frozen=True)
class View:
    """A version of a share as a folder, and what had to be downloaded for it."""

    path: Path
    fetched_contents: int = 0
    fetched_bytes: int = 0


class ShareCache:
    """The folders below `root`. Any number of processes may use one root."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._trees, self._contents = root / "trees", root / "contents"
        self._drafts = root / "drafts"
        self.incoming = root / "incoming"

    def view(self, use: ShareUse, get_files: GetFiles, abandoned: Event) -> View:
        """The folder of a version; with MOUNT its files are links to where the store has them.

        Raises UnavailableError if the store is out of reach or the disk is full, WorkFailedError
        for contents that are damaged or missing, and AbandonedError.
        """
        name = tree_name(use)
        tree = self._trees / name
        try:
            with self._locked(".lock", fcntl.LOCK_SH), self._locked(f"drafts/{name}.lock"):
                if tree.is_dir():
                    tree.chmod(0o555)
                    os.utime(tree)  # for prune()
                    return View(tree)
                return self._make(use, tree, get_files, abandoned)
        except OSError as error:
            raise storage_error(
                error, f"cannot make the folder of {use.share} in {self._root}"
            ) from error

    def has(self, use: ShareUse) -> bool:
        """Whether a version is here already."""
        return (self._trees / tree_name(use)).is_dir()

    def lacks(self, use: ShareUse) -> bool:
        """Whether its folder cannot be made of what is here, a manifest among the contents."""
        if self.has(use):
            return False
        try:
            manifest = Manifest.from_bytes(self.content(use.manifest).read_bytes(), use.manifest)
        except FileNotFoundError:
            return True
        if use.action == MOUNT:
            return False
        sizes = manifest.contents()
        return any(_size_of(self.content(digest)) != size for digest, size in sizes.items())

    def make(self, use: ShareUse) -> View:
        """The folder of a version of which nothing is lacking. Raises what `view` raises."""
        return self.view(use, self.get_brought, Event())

    def get_brought(self, files: Iterable[tuple[str, Path]]) -> dict[str, XTError]:
        """Manifests and contents that a client has brought here: a `GetFiles`."""
        failed: dict[str, XTError] = {}
        for key, path in files:
            try:
                _copy(self.content(key.rpartition("/")[2].removesuffix(".json")), path)
            except FileNotFoundError:
                failed[key] = NotBroughtError("it is not on this node", _SUBMIT_AGAIN)
        return failed

    @contextlib.contextmanager
    def filling(self) -> Iterator[None]:
        """While this lasts no contents are removed. Raises UnavailableError, RefusedError."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._locked(".lock", fcntl.LOCK_SH))
            except OSError as error:
                raise storage_error(error, f"cannot write to {self._root}") from error
            yield

    def _make(self, use: ShareUse, tree: Path, get_files: GetFiles, abandoned: Event) -> View:
        draft = self._drafts / tree.name
        _remove(draft)
        for folder in (self._trees, self._contents, draft):
            folder.mkdir(parents=True, exist_ok=True)
        manifest = _fetch_manifest(use, draft, get_files)
        fetched: dict[str, int] = {}
        if use.action != MOUNT:
            fetched = self._download(use, manifest, draft, get_files, abandoned)
        self._build(use, manifest, draft / "tree")
        os.rename(draft / "tree", tree)
        tree.chmod(0o555)  # only now: a folder that may not be written to cannot be moved
        _remove(draft)
        return View(tree, len(fetched), sum(fetched.values()))

    # Download ---------------------------------------------------------------------------

    def _download(
        self,
        use: ShareUse,
        manifest: Manifest,
        draft: Path,
        get_files: GetFiles,
        abandoned: Event,
    ) -> dict[str, int]:
        """Fetch what is not here, and verify it; sizes by digest."""
        missing = {
            digest: size
            for digest, size in manifest.contents().items()
            if _size_of(self.content(digest)) != size
        }
        paths = {content.digest: path for path, content in manifest.files.items()}
        for batch in _batches(missing):
            if abandoned.is_set():
                raise AbandonedError
            wanted = {content_key(use.root, digest): digest for digest in batch}
            failed = get_files([(key, draft / digest) for key, digest in wanted.items()])
            for key, digest in wanted.items():
                if key in failed:
                    raise _missing(use, paths[digest], key, failed[key])
                self._keep(use, paths[digest], key, draft / digest, digest)
        return missing

    def _keep(self, use: ShareUse, path: str, key: str, file: Path, digest: str) -> None:
        if hash_file(file) != digest:
            raise WorkFailedError(
                f"{path} of {use.share} is damaged: {key} has not the SHA-256 of its name",
                f"remove {key} and {latest_key(use.root)} from the team's storage and upload again",
            )
        file.chmod(0o444)
        content = self.content(digest)
        content.parent.mkdir(exist_ok=True)
        os.replace(file, content)

    def content(self, digest: str) -> Path:
        """Where a content is, or will be."""
        return self._contents / digest[:2] / digest

    # Trees ------------------------------------------------------------------------------

    def _build(self, use: ShareUse, manifest: Manifest, tree: Path) -> None:
        """Lay out a version; its folders become read-only, but for the topmost."""
        tree.mkdir()
        made = {"": tree}
        for path in manifest.folders:
            _folder(made, tree, path)
        for path, content in manifest.files.items():
            target = _folder(made, tree, path.rpartition("/")[0]) / path.rpartition("/")[2]
            source = self._source(use, path, content.digest, content.size)
            if content.executable:  # the same contents may be executable in one place only
                _copy(source, target)
                target.chmod(0o555)
            else:
                _link(source, target, is_mount=use.action == MOUNT)
        for name, folder in made.items():
            if name:
                folder.chmod(0o555)

    def _source(self, use: ShareUse, path: str, digest: str, size: int) -> Path:
        if use.action != MOUNT:
            return self.content(digest)
        source = Path(use.store_folder) / content_key(use.root, digest)[len(use.root) + 1 :]
        if _size_of(source) != size:
            raise WorkFailedError(
                f"{path} of {use.share} cannot be used in place: {source} is missing or damaged",
                "is the storage mounted here? else use the action download",
            )
        return source

    # Room -------------------------------------------------------------------------------

    def prune(self, kept: Collection[str], idle_seconds: float) -> int:
        """Remove every tree that is not `kept` and was not asked for lately, and the contents
        that no tree has; how many bytes that freed.

        Does nothing while something is downloaded: that may need any of it. Raises
        UnavailableError or RefusedError if the disk does not permit it.
        """
        if not self._drafts.is_dir():
            return 0
        try:
            with self._locked(".lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                oldest = clock.now() - idle_seconds
                for tree in self._trees.glob("*"):
                    if tree.name not in kept and tree.stat().st_mtime < oldest:
                        _remove(tree)
                for draft in self._drafts.iterdir():  # its maker has died
                    _remove(draft)
                _remove(self.incoming)
                unused = [path for path in self._contents.glob("*/*") if _is_unused(path)]
                freed = sum(path.stat().st_size for path in unused)
                for path in unused:
                    path.unlink()
                return freed
        except BlockingIOError:
            return 0
        except OSError as error:
            raise storage_error(error, f"cannot clear {self._root}") from error

    @contextlib.contextmanager
    def _locked(self, name: str, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        self._drafts.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._root / name, flags, 0o666)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def copy_writable(view: Path, target: Path) -> None:
    """A copy of a view that a run may write to, in the place of an earlier one. Raises OSError."""
    _remove(target)
    target.mkdir()
    for folder, names, files in os.walk(view):
        into = target / os.path.relpath(folder, view)
        for name in names:
            (into / name).mkdir()
        for name in files:
            source = Path(folder, name)
            is_executable = source.stat().st_mode & 0o111
            _copy(source, into / name)
            (into / name).chmod(0o755 if is_executable else 0o644)


def tree_name(use: ShareUse) -> str:
    """The name of a version's folder; one that is mounted belongs to the store it links to."""
    if use.action != MOUNT:
        return use.manifest
    return hashlib.sha256(os.fsencode(f"{use.store_folder}\0{use.manifest}")).hexdigest()


def _fetch_manifest(use: ShareUse, draft: Path, get_files: GetFiles) -> Manifest:
    key, file = manifest_key(use.root, use.manifest), draft / "manifest.json"
    for error in get_files([(key, file)]).values():
        if isinstance(error, NotBroughtError):
            raise WorkFailedError(f"{use.share}: {error.message}", error.hint)
        raise WorkFailedError(
            f"this version of {use.share} is not in the team's storage: {error.message}",
            "upload the share again, and submit again",
        )
    return Manifest.from_bytes(file.read_bytes(), use.manifest)


def _batches(contents: dict[str, int]) -> Iterator[list[str]]:
    """So much at once that a crash costs little of what was downloaded."""
    batch, size = list[str](), 0
    for digest, count in contents.items():
        if batch and (len(batch) >= _BATCH_FILES or size + count > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(digest)
        size += count
    if batch:
        yield batch


def _missing(use: ShareUse, path: str, key: str, error: XTError) -> XTError:
    if isinstance(error, UnavailableError):
        return error
    if isinstance(error, NotBroughtError):
        return WorkFailedError(f"{path} of {use.share}: {error.message}", error.hint)
    return WorkFailedError(
        f"{path} of {use.share} cannot be downloaded: {error.message}",
        f"remove {latest_key(use.root)} from the team's storage and upload the share again"
        if key in error.message
        else error.hint,
    )


def _size_of(path: Path) -> int | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _folder(made: dict[str, Path], tree: Path, name: str) -> Path:
    """The folder of that name in a tree, made with those above it."""
    if name not in made:
        _folder(made, tree, name.rpartition("/")[0])
        made[name] = tree / name
        made[name].mkdir()
    return made[name]


def _link(source: Path, target: Path, *, is_mount: bool) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if is_mount:
            target.symlink_to(source)
        else:
            _copy(source, target)
            target.chmod(0o444)


def _is_unused(content: Path) -> bool:
    """Whether no tree has a link to it; trees that have copies (of programs) do not need it."""
    return content.stat().st_nlink == 1


def _copy(source: Path, target: Path) -> None:
    """Copy contents; where the file system can, they share their blocks."""
    shutil.copyfile(source, target)


def _remove(folder: Path) -> None:
    """Remove a folder with what is in it, read-only folders too, if it is there."""
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    for inner, _, _ in os.walk(folder):
        os.chmod(inner, 0o700)
    shutil.rmtree(folder)
