"""Bringing a local folder into a share: only contents that the share does not have yet.

Contents come first, then the manifest that names them, then what says that it is the share's
latest: an upload that dies half-way leaves the share as it was, and the next one goes on there.
"""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xt_core import clock
from xt_core.artifacts.store import ArtifactStore
from xt_core.errors import UnavailableError, UnknownNameError, XTError
from xt_core.shares.folder import LocalFile, LocalFolder, scan
from xt_core.shares.hashes import HashCache, changed
from xt_core.shares.listing import share_names
from xt_core.shares.manifest import Content, Manifest, digest_of
from xt_core.shares.names import content_key, contents_prefix, latest_key, manifest_key
from xt_core.submit.snapshot.limits import shown_size

Note = Callable[[str], None]
Sent = Callable[[int, int], None]
"""Told of an upload as it goes: bytes sent, and bytes in all. Calls come one at a time."""
_FEW = 50
_LARGE_BYTES = 256 * 1024 * 1024
_READ_ONLY = 0o444


def nobody(_done: int, _total: int) -> None:
    """For who does not want to know how far an upload is."""


@dataclass(frozen=True)
class Version:
    """One version of a share: the digest of its manifest, its files, and their bytes."""

    manifest: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Upload:
    """What an upload did: the version that the share has now, and what had to be sent."""

    version: Version
    sent_contents: int
    sent_bytes: int


def latest_version(store: ArtifactStore, kind: str, root: str) -> Version:
    """The version that a share has now. Raises UnknownNameError if there is no such share."""
    name = root.partition("/")[2]
    try:
        document = json.loads(store.get_bytes(latest_key(root)))
        return Version(str(document["manifest"]), int(document["files"]), int(document["bytes"]))
    except UnknownNameError:
        raise _no_such_share(store, kind, name) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UnavailableError(
            f"{latest_key(root)} is damaged: {error}", f"upload it again: --{kind}-upload"
        ) from error


def upload_folder(
    store: ArtifactStore,
    root: str,
    folder: Path,
    omit: list[str],
    cache: Path,
    note: Note,
    sent: Sent = nobody,
) -> Upload:
    """Make what is in a folder the latest version of the share at `root`; `cache` is a file.

    Raises UsageError for what is no folder, WorkFailedError if a file changes meanwhile, and
    RefusedError if one may not be read.
    """
    local = scan(os.fspath(folder), omit)
    for warning in local.warnings:
        note(f"warning: {warning}")
    manifest = _manifest_of(local, HashCache(cache), note)
    data = manifest.to_bytes()
    version = Version(digest_of(data), len(manifest.files), manifest.size)
    before = _manifest_before(store, root)
    if before is not None and before[0] == version.manifest:
        return Upload(version, 0, 0)
    known = {} if before is None else before[1].contents()
    missing = _missing(store, root, manifest, known)
    if missing:
        size = sum(missing.values())
        note(f"uploading {len(missing):,} of {version.files:,} files, {shown_size(size)}")
    _send(store, root, local, manifest, missing, sent)
    store.put_bytes(manifest_key(root, version.manifest), data)
    latest = {"manifest": version.manifest, "files": version.files, "bytes": version.bytes}
    document = json.dumps(latest | {"uploaded": clock.iso(clock.now())})
    store.put_bytes(latest_key(root), document.encode())
    return Upload(version, len(missing), sum(missing.values()))


def _manifest_of(local: LocalFolder, hashes: HashCache, note: Note) -> Manifest:
    files = local.files
    size = sum(file.size for file in hashes.unknown(files.values()))
    if size > _LARGE_BYTES:
        note(f"reading {shown_size(size)} to see what has changed")
    digests = hashes.digests(files.values())
    return Manifest(
        {
            name: Content(digests[file.path], file.size, file.executable)
            for name, file in files.items()
        },
        local.folders,
    )


def _manifest_before(store: ArtifactStore, root: str) -> tuple[str, Manifest] | None:
    """The latest manifest so far and its digest; None if there is none that can be trusted."""
    with contextlib.suppress(UnknownNameError, ValueError, KeyError, TypeError):
        digest = str(json.loads(store.get_bytes(latest_key(root)))["manifest"])
        data = store.get_bytes(manifest_key(root, digest))
        if digest_of(data) == digest:
            return digest, Manifest.from_bytes(data, digest)
    return None


def _missing(
    store: ArtifactStore, root: str, manifest: Manifest, known: dict[str, int]
) -> dict[str, int]:
    """The contents that the share lacks: sizes by digest."""
    wanted = {d: size for d, size in manifest.contents().items() if d not in known}
    if len(wanted) <= _FEW:
        stored = {d: _size_of(store, content_key(root, d)) for d in wanted}
    else:
        listing = store.list(contents_prefix(root))
        stored = {info.key.rpartition("/")[2]: info.size for info in listing}
    return {digest: size for digest, size in wanted.items() if stored.get(digest) != size}


def _size_of(store: ArtifactStore, key: str) -> int | None:
    try:
        return store.stat(key).size
    except UnknownNameError:
        return None


def _send(
    store: ArtifactStore,
    root: str,
    local: LocalFolder,
    manifest: Manifest,
    missing: dict[str, int],
    sent: Sent,
) -> None:
    sources: dict[str, LocalFile] = {}
    for name, content in manifest.files.items():
        if content.digest in missing:
            sources.setdefault(content_key(root, content.digest), local.files[name])
    torn: list[str] = []
    moved: Counter[str] = Counter()
    done, total = 0, sum(missing.values())

    def check(key: str, count: int, is_complete: bool) -> None:
        nonlocal done
        if is_complete:  # some stores tell no more than that
            count = sources[key].size - moved[key]
        moved[key] += count
        done += count
        sent(done, total)
        if not is_complete:
            return
        if not sources[key].is_unchanged():
            torn.append(key)
        else:
            _protect(store.local_path(key))

    try:
        failed = store.put_files(_still(sources), check)
    finally:
        for key in torn:
            store.delete(key)
    if torn:
        raise changed(sources[torn[0]].path)
    for key, error in failed.items():
        raise _cannot_send(sources[key].path, error)


def _still(sources: dict[str, LocalFile]) -> Iterator[tuple[str, Path]]:
    """What is to be sent, as long as none of it has changed since it was read."""
    for key, file in sources.items():
        if not file.is_unchanged():
            raise changed(file.path)
        yield key, Path(file.path)


def _protect(path: Path | None) -> None:
    """Where contents are files, runs may read them in place: none shall write there."""
    if path is not None:
        with contextlib.suppress(OSError):
            path.chmod(_READ_ONLY)


def _cannot_send(path: str, error: XTError) -> XTError:
    return type(error)(f"cannot upload {path}: {error.message}", error.hint)


def _no_such_share(store: ArtifactStore, kind: str, name: str) -> UnknownNameError:
    from difflib import get_close_matches

    names = share_names(store, kind)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"those there are: {', '.join(names) or 'none'}"
    return UnknownNameError(f"there is no {kind} share {name!r} in the team's storage", hint)
