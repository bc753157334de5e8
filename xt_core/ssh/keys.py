"""The user's keys for one host, in OpenSSH's order: the agent's, then those of files."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from xt_core.ssh.openssh import Destination


@dataclass
class Identities:
    """What to sign in with, and what could not be used."""

    pairs: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    """Files whose keys have a passphrase, and which no agent holds."""
    agent: asyncssh.SSHAgentClient | None = None
    agent_trouble: str = ""

    def close(self) -> None:
        if self.agent is not None:
            self.agent.close()


async def identities(destination: Destination) -> Identities:
    """The keys that OpenSSH would try; to be closed once signed in."""
    found = Identities()
    held = await _held_by_agent(destination, found)
    certificates = [c for file in _certificate_files(destination) for c in _certificates(file)]
    named: list[asyncssh.SSHKeyPair] = []
    from_files: list[asyncssh.SSHKeyPair] = []
    for file in destination.identity_files:
        public_data = _public_data(file)
        in_agent = [pair for pair in held if pair.public_data == public_data]
        if in_agent:
            named += [*in_agent, *_certified(in_agent, certificates)]
            continue
        if not file.is_file():
            continue
        try:
            from_files += asyncssh.load_keypairs([str(file)], certlist=certificates)
        except asyncssh.KeyImportError as error:
            if "assphrase" in str(error):
                found.locked.append(file)
        except (OSError, ValueError):
            continue  # not a private key: OpenSSH passes it over too
    others = [] if destination.identities_only else [pair for pair in held if pair not in named]
    found.pairs = [*named, *others, *_certified(others, certificates), *from_files]
    return found


async def _held_by_agent(
    destination: Destination, found: Identities
) -> Sequence[asyncssh.SSHKeyPair]:
    if destination.agent is None:
        return []
    found.agent = asyncssh.SSHAgentClient(destination.agent)
    try:
        return list(await found.agent.get_keys())
    except (OSError, ValueError) as error:
        found.agent_trouble = f"the agent at {destination.agent} does not answer ({error})"
        return []


def _public_data(file: Path) -> bytes | None:
    """The public half of a key file: a private key with a passphrase needs its .pub beside it."""
    for candidate in (file.with_name(file.name + ".pub"), file):
        try:
            return asyncssh.read_public_key(str(candidate)).public_data
        except (OSError, ValueError):
            continue
    return None


def _certificate_files(destination: Destination) -> list[Path]:
    beside = [file.with_name(file.name + "-cert.pub") for file in destination.identity_files]
    return [*destination.certificate_files, *(file for file in beside if file.is_file())]


def _certificates(file: Path) -> list[asyncssh.SSHCertificate]:
    try:
        return list(asyncssh.load_certificates(str(file)))
    except (OSError, ValueError):
        return []


def _certified(
    pairs: Sequence[asyncssh.SSHKeyPair], certificates: Sequence[asyncssh.SSHCertificate]
) -> list[asyncssh.SSHKeyPair]:
    """Keys of the agent once more, each with a certificate that is for it."""
    made = []
    for pair in pairs:
        for certificate in certificates:
            if certificate.key.public_data == pair.key_public_data:
                twin = copy.copy(pair)
                twin.set_certificate(certificate)
                made.append(twin)
    return made
