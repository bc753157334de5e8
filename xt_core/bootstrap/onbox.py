"""What the box's own Python does to install XT; the standard library only, any Python from 3.11 on.

Read from standard input: ``python -I - '{"operation": …, "root": XT_HOME, …}'``. It prints one JSON
object: {"result": …}, or {"error", "kind", "hint"}. Layers and versions are made as drafts, which
are locked while they are made, and renamed when they are whole and on the disk: a second installer
finds nothing, or all. Whoever makes a version, or removes anything, holds `versions.lock`.
"""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

_KEPT = 2
"""So many unused versions stay: another client may need one the next moment."""
_SETTLED_SECONDS = 3600.0
"""Another client may be about to use a layer that is newer, in a version that it makes."""


class InstallError(Exception):
    """The text, and the hint that says what to do about it, are for the user."""

    def __init__(self, text: str, hint: str = "", kind: str = "unavailable") -> None:
        super().__init__(text)
        self.hint, self.kind = hint, kind


class Places:
    """XT's folders on the box."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.layers = os.path.join(root, "layers")
        self.versions = os.path.join(root, "versions")
        self.uploads = os.path.join(root, "uploads")

    def create(self) -> None:
        for folder in (self.layers, self.versions, self.uploads):
            os.makedirs(folder, exist_ok=True)
        os.chmod(self.uploads, 0o700)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Held by whoever makes a version, or removes anything."""
        with open(os.path.join(self.root, "versions.lock"), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def survey(places: Places, version: str, archives: dict[str, str]) -> dict[str, Any]:
    """What is there of a version, of its layers, and of the uploads that `archives` names by
    layer: how many bytes."""
    places.create()
    missing = {}
    for layer, archive in archives.items():
        if not os.path.isdir(os.path.join(places.layers, layer)):
            path = os.path.join(places.uploads, archive)
            missing[layer] = os.path.getsize(path) if os.path.exists(path) else 0
    python = os.path.join(places.versions, version, "bin", "python")
    is_there = not missing and os.path.exists(python)
    return {"is_there": is_there, "missing": missing, "uploads": places.uploads}


def unpack(places: Places, layer: str, archive: str, sha256: str, install: list[str]) -> str:
    """Make a layer of an archive that was sent, and of packages that are to be had from here;
    "changed" if the archive is not what was sent."""
    path = os.path.join(places.uploads, archive)
    target = os.path.join(places.layers, layer)
    if os.path.isdir(target):  # another client was faster
        _remove(path)
        return "there"
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            os.unlink(path)
            return "changed"
    with _draft(places.layers, target) as draft:
        with tarfile.open(path) as packed:
            if hasattr(tarfile, "data_filter"):
                packed.extractall(draft, filter="data")
            else:
                packed.extractall(draft)
        if install:
            _install(install, draft)
    _remove(path)
    return "unpacked"


def _install(requirements: list[str], folder: str) -> None:
    """By uv, else pip, of this box."""
    uv = shutil.which(
        "uv", path=f"{os.environ.get('PATH', '')}:{os.path.expanduser('~/.local/bin')}"
    )
    options = ["--target", folder, "--no-deps", *requirements]
    if uv is not None:
        command = [uv, "pip", "install", "--python", sys.executable, *options]
    else:
        command = [sys.executable, "-m", "pip", "install", "--no-input", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        tool = "uv" if uv is not None else "pip"
        raise InstallError(f"{tool} there could not install {' '.join(requirements)}: {said[-1]}")


def link(places: Places, version: str, paths: list[str], record: dict[str, Any]) -> bool:
    """Put layers together: a virtual environment over them. False if one was removed meanwhile."""
    target = os.path.join(places.versions, version)
    folders = [os.path.normpath(os.path.join(places.layers, path)) for path in paths]
    with places.locked():
        if not all(map(os.path.isdir, folders)):
            return False
        if os.path.isdir(target) and not os.path.exists(os.path.join(target, "bin", "python")):
            os.rename(target, f"{target}.{uuid.uuid4().hex}.old")  # its Python was removed
        if os.path.isdir(target):
            return True
        with _draft(places.versions, target) as draft:
            _make_environment(draft, folders)
            _write(os.path.join(draft, "installation.json"), json.dumps(record, indent=1))
    return True


def _make_environment(folder: str, paths: list[str]) -> None:
    python = sys.executable
    major, minor = sys.version_info[:2]
    packages = os.path.join(folder, "lib", f"python{major}.{minor}", "site-packages")
    os.makedirs(packages)
    os.mkdir(os.path.join(folder, "bin"))
    os.symlink(python, os.path.join(folder, "bin", "python"))
    home = os.path.dirname(python)
    _write(
        os.path.join(folder, "pyvenv.cfg"), f"home = {home}\ninclude-system-site-packages = false\n"
    )
    _write(os.path.join(packages, "xt.pth"), "".join(f"{path}\n" for path in paths))


def prune(places: Places, version: str) -> list[str]:
    """Remove versions that nothing uses, but for the one given and those used last, and then the
    layers that no version names; their names. Nothing is removed where the system does not tell
    what processes use."""
    removed: list[str] = []
    if not os.path.isdir("/proc/self"):
        return removed
    with places.locked():
        _remove_dead_drafts(places)
        in_use = _used_by_processes()
        versions = sorted(_entries(places.versions), key=_last_used(places), reverse=True)
        kept = [name for name in versions if name == version or _is_in(name, in_use)]
        spare = [name for name in versions if name not in kept][_KEPT:]
        for name in spare:
            removed.append(name)
            shutil.rmtree(os.path.join(places.versions, name))
        before = time.time() - _SETTLED_SECONDS
        named = {layer for name in _entries(places.versions) for layer in _layers_of(places, name)}
        for layer in _entries(places.layers):
            is_old = os.path.getmtime(os.path.join(places.layers, layer)) < before
            if layer not in named and is_old and not _is_in(layer, in_use):
                removed.append(layer)
                shutil.rmtree(os.path.join(places.layers, layer))
    return removed


def _last_used(places: Places) -> Callable[[str], float]:
    def moment(name: str) -> float:
        with contextlib.suppress(OSError):
            return os.path.getmtime(os.path.join(places.versions, name, "installation.json"))
        return 0.0

    return moment


def _layers_of(places: Places, version: str) -> list[str]:
    with open(os.path.join(places.versions, version, "installation.json")) as file:
        return list(json.load(file)["layers"])


def _entries(folder: str) -> list[str]:
    return [name for name in os.listdir(folder) if "." not in name]


def _used_by_processes() -> bytes:
    """The command lines and environments of all processes: whoever uses a version, or runs what
    may import from it, has its path there."""
    parts = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError), open(f"/proc/{process}/{name}", "rb") as file:
                parts.append(file.read())
    return b"\0".join(parts)


def _is_in(name: str, text: bytes) -> bool:
    return f"/{name}/".encode() in text


@contextlib.contextmanager
def _draft(folder: str, target: str) -> Iterator[str]:
    """A new folder, locked, that becomes `target` in the end, unless that is there by then."""
    draft = os.path.join(folder, f"{uuid.uuid4().hex}.draft")
    os.mkdir(draft)
    lock = os.open(draft, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield draft
        _sync(lock)
        try:
            os.rename(draft, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(lock)


def _remove_dead_drafts(places: Places) -> None:
    """Those whose maker was killed."""
    for folder in (places.layers, places.versions):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.endswith(".old"):
                shutil.rmtree(path, ignore_errors=True)
            elif name.endswith(".draft"):
                with contextlib.suppress(OSError):
                    lock = os.open(path, os.O_RDONLY)
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        shutil.rmtree(path)
                    finally:
                        os.close(lock)


def _sync(descriptor: int) -> None:
    """Bring the file system that a descriptor is of to the disk."""
    syncfs = getattr(ctypes.CDLL(None), "syncfs", None)
    if syncfs is None or syncfs(descriptor):
        os.sync()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "survey": survey,
    "unpack": unpack,
    "link": link,
    "prune": prune,
}


def perform(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request; what is to be printed."""
    operation = _OPERATIONS[request.pop("operation")]
    root = request.pop("root")
    try:
        return {"result": operation(Places(root), **request)}
    except InstallError as error:
        return {"error": str(error), "hint": error.hint, "kind": error.kind}
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return {"error": f"no space left for XT in {root}", "hint": "make room there"}
        return {
            "error": f"cannot install XT in {root}: {reason}",
            "kind": "refused" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else "",
            "hint": "make it a folder that you may write to, or set XT_HOME there",
        }


if __name__ == "__main__":
    print(json.dumps(perform(json.loads(sys.argv[1]))))
