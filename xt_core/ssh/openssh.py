"""What OpenSSH's own configuration says of a host.

`ssh -G` is asked: it alone knows all of Host, Match and Include as the user's `ssh` does.
"""

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xt_core.errors import ConfigError, UnavailableError
from xt_core.ssh.address import Address

DEFAULT_PORT = 22
_MATCH_SECONDS = 20.0
"""How long the programs of `Match exec` may take."""
_TOKEN = re.compile(r"%(.)")


@dataclass(frozen=True)
class Destination:
    """How to reach one host, by OpenSSH's configuration."""

    name: str
    """The host as it was asked for."""
    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...]
    certificate_files: tuple[Path, ...]
    agent: str | None
    """The socket of the agent, None if there is none to use."""
    identities_only: bool
    known_hosts: tuple[Path, ...]
    """Where known host keys are, the user's file first; it need not be there."""
    hashes_names: bool
    host_key_alias: str | None
    jumps: tuple[str, ...]
    """The hosts to go by, the first one first."""
    proxy_command: str | None
    connect_seconds: float | None
    family: int

    @property
    def place(self) -> str:
        """The host as messages name it."""
        return str(Address(self.host, self.user, self.port))


class OpenSSH:
    """The user's `ssh` program and its configuration."""

    def __init__(self, environ: Mapping[str, str], config_file: Path | None = None) -> None:
        """`config_file` takes the place of ~/.ssh/config and /etc/ssh/ssh_config."""
        self._environ = dict(environ)
        self._config_file = config_file

    def command(self, address: Address) -> list[str]:
        """The command line of `ssh` for an address, to which a command may be added."""
        words = ["ssh"]
        if self._config_file is not None:
            words += ["-F", str(self._config_file)]
        if address.user is not None:
            words += ["-l", address.user]
        if address.port is not None:
            words += ["-p", str(address.port)]
        return [*words, "--", address.host]

    def destination(self, address: Address) -> Destination:
        """What the configuration says of an address.

        Raises ConfigError where it is wrong, UnavailableError without an `ssh` program.
        """
        command = self.command(address)
        command.insert(1, "-G")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                env=self._environ,
                timeout=_MATCH_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise UnavailableError(
                "the program ssh is missing, whose configuration XT goes by",
                "install OpenSSH's client (openssh-client)",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(
                f"OpenSSH's configuration gave no answer for {address.host} within "
                f"{_MATCH_SECONDS:g} s",
                "see the programs of its Match exec lines",
            ) from error
        if done.returncode:
            told = done.stderr.strip().splitlines() or ["no reason given"]
            raise ConfigError(
                f"OpenSSH's configuration is wrong: {told[0]}",
                f"see {' '.join(command)}",
            )
        return self._parsed(address, done.stdout)

    def _parsed(self, address: Address, text: str) -> Destination:
        values: dict[str, list[str]] = {}
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            values.setdefault(name.lower(), []).append(value)

        def one(name: str) -> str | None:
            value = values.get(name, ["none"])[0]
            return None if value.lower() == "none" else value

        def files(name: str) -> tuple[Path, ...]:
            return tuple(
                Path(self._expanded(value, tokens))
                for line in values.get(name, [])
                for value in ([line] if name in _ONE_A_LINE else line.split())
                if value.lower() != "none"
            )

        host, port, user = one("hostname") or address.host, one("port"), one("user") or ""
        home = self._environ.get("HOME") or str(Path.home())
        tokens = {"h": host, "n": address.host, "p": port or "", "r": user, "d": home, "%": "%"}
        tokens |= {"u": self._environ.get("USER", user), "i": str(os.getuid())}
        proxy, timeout = one("proxycommand"), one("connecttimeout")
        return Destination(
            name=address.host,
            host=host,
            port=int(port or DEFAULT_PORT),
            user=user,
            identity_files=files("identityfile"),
            certificate_files=files("certificatefile"),
            agent=self._agent(values.get("identityagent", ["SSH_AUTH_SOCK"])[0], tokens),
            identities_only=one("identitiesonly") == "yes",
            known_hosts=(*files("userknownhostsfile"), *files("globalknownhostsfile")),
            hashes_names=one("hashknownhosts") == "yes",
            host_key_alias=one("hostkeyalias"),
            jumps=tuple((one("proxyjump") or "").split(",")) if one("proxyjump") else (),
            proxy_command=None if proxy is None else _with_tokens(proxy, tokens),
            connect_seconds=None if timeout is None else float(timeout),
            family=_FAMILIES.get(one("addressfamily") or "any", 0),
        )

    def _agent(self, setting: str, tokens: Mapping[str, str]) -> str | None:
        if setting == "none":
            return None
        if setting == "SSH_AUTH_SOCK":
            return self._environ.get("SSH_AUTH_SOCK") or None
        if setting.startswith("$"):
            return self._environ.get(setting[1:]) or None
        return self._expanded(setting, tokens)

    def _expanded(self, path: str, tokens: Mapping[str, str]) -> str:
        return os.path.expanduser(_with_tokens(path, tokens))


_ONE_A_LINE = ("identityfile", "certificatefile")
_FAMILIES = {"inet": int(socket.AF_INET), "inet6": int(socket.AF_INET6)}


def _with_tokens(text: str, tokens: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda match: tokens.get(match[1], match[0]), text)
