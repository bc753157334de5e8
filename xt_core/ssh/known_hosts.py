"""Known host keys, in OpenSSH's files: which ones a host may show, and where each is written.

Lines that cannot be read are passed over, as OpenSSH does.
"""

import base64
import fcntl
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from xt_core.errors import RefusedError
from xt_core.ssh.openssh import DEFAULT_PORT, Destination

_SALT_BYTES = 20


@dataclass(frozen=True)
class KnownKey:
    """One line that speaks of a host."""

    key: asyncssh.SSHKey
    marker: str
    """``""``, ``cert-authority`` or ``revoked``."""
    place: str
    """The file and line."""


@dataclass(frozen=True)
class KnownKeys:
    """All lines that speak of a host."""

    found: tuple[KnownKey, ...]
    is_of_port: bool
    """Whether they are for the very port; else other keys of the host are no contradiction."""

    def of(self, marker: str) -> list[asyncssh.SSHKey]:
        return [known.key for known in self.found if known.marker == marker]

    @property
    def contradicting(self) -> KnownKey | None:
        """A line that says that the host has another key than one that none of them has."""
        plain = [known for known in self.found if not known.marker]
        return plain[0] if plain and self.is_of_port else None


def host_name(destination: Destination) -> str:
    """The host as its line in a file names it."""
    if destination.host_key_alias is not None:
        return destination.host_key_alias
    if destination.port == DEFAULT_PORT:
        return destination.host.lower()
    return f"[{destination.host.lower()}]:{destination.port}"


def known_keys(destination: Destination) -> KnownKeys:
    """What the files say of a host; where they are silent on its port, what of the host."""
    lines = list(_lines(destination.known_hosts))
    name = host_name(destination)
    found = tuple(_matching(lines, name))
    is_known = any(known.marker != "revoked" for known in found)
    if is_known or destination.host_key_alias is not None or destination.port == DEFAULT_PORT:
        return KnownKeys(found, True)
    return KnownKeys((*found, *_matching(lines, destination.host.lower())), False)


def add_known_key(destination: Destination, key: asyncssh.SSHKey) -> Path:
    """Write a host's key to the user's first file, which is made if need be; the file.

    Raises RefusedError where there is no such file, or it cannot be written.
    """
    if not destination.known_hosts or destination.known_hosts[0] == Path(os.devnull):
        raise RefusedError(
            f"OpenSSH's configuration names no file to keep the key of {destination.host} in",
            "set UserKnownHostsFile in ~/.ssh/config",
        )
    file = destination.known_hosts[0]
    name = host_name(destination)
    if destination.hashes_names:
        name = _hashed(name, os.urandom(_SALT_BYTES))
    kind, data = key.export_public_key("openssh").split()[:2]
    line = f"{name} {kind.decode()} {data.decode()}\n".encode()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "r+b", buffering=0) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            needs_end = size and os.pread(descriptor, 1, size - 1) != b"\n"
            stream.write(b"\n" + line if needs_end else line)
    except OSError as error:
        raise RefusedError(
            f"cannot write {file}: {error.strerror}", "check the file's permissions"
        ) from error
    return file


def _lines(files: Iterable[Path]) -> Iterator[tuple[str, str, str, str]]:
    """(marker, names, key, place) of each line."""
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split(None, 1)
            marker = ""
            if words and words[0].startswith("@"):
                marker = words[0][1:]
                words = words[1].split(None, 1) if len(words) > 1 else []
            if len(words) == 2 and not words[0].startswith("#"):
                yield marker, words[0], words[1], f"{file}:{number}"


def _matching(lines: Iterable[tuple[str, str, str, str]], name: str) -> Iterator[KnownKey]:
    for marker, names, data, place in lines:
        if _is_named(names, name):
            try:
                yield KnownKey(asyncssh.import_public_key(data), marker, place)
            except asyncssh.KeyImportError:
                continue


def _is_named(names: str, name: str) -> bool:
    """Whether a line's list of patterns, or its hashed name, means a host."""
    if names.startswith("|"):
        try:
            _, kind, salt, _ = names.split("|")
            return kind == "1" and names == _hashed(name, base64.b64decode(salt))
        except ValueError:
            return False
    matches = False
    for pattern in names.lower().split(","):
        bare = pattern.removeprefix("!").replace("[", "[[]")  # OpenSSH knows * and ? only
        if fnmatch.fnmatchcase(name.lower(), bare):
            if pattern.startswith("!"):
                return False
            matches = True
    return matches


def _hashed(name: str, salt: bytes) -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
