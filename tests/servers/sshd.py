"""Real OpenSSH servers, each a box of its own: an address of loopback, a host key, a home folder.

`Network` is what a test starts from: the user's side (keys, known hosts, an OpenSSH configuration),
and boxes on it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support import lose_power, wait_until

from servers.process import ServerProcess

_FIRST_ADDRESS = 2
_SBIN = os.pathsep.join(["/usr/sbin", "/usr/local/sbin"])


class Sshd(ServerProcess):
    """One box. Its user is the test's own, with another home."""

    def __init__(
        self,
        name: str,
        host: str,
        folder: Path,
        key: Path,
        *settings: str,
        environ: Mapping[str, str],
    ) -> None:
        """`key` is the public key that it lets in; `settings` are more lines of its sshd_config,
        `environ` more variables of whatever runs there."""
        self.name, self.folder = name, folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.host_key = make_key(folder / "host_key")
        self.authorized_keys = folder / "authorized_keys"
        shutil.copy(key, self.authorized_keys)
        self._settings = settings
        self._environ = {"HOME": str(self.home), "XT_HOME": f"{self.home}/.xt"} | dict(environ)
        super().__init__(self._command_line, folder / "sshd.log", host)
        self.start()

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        super().start()

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    def change_host_key(self, kind: str = "ed25519") -> None:
        """Be set up anew: the host shows another key from now on."""
        self.stop()
        self.host_key.unlink()
        self.host_key = make_key(self.folder / "host_key", kind=kind)
        self.start()

    def cut(self) -> None:
        """End all connections, as an sshd that is killed does; new ones are taken."""
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Be out of reach until `start`: no connection stays, none is taken. What runs goes on."""
        sessions = self.sessions()
        self.stop()
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def sessions(self) -> list[int]:
        """The processes that serve connections: those of the server's that are sshd too, but for
        those that only let somebody in, and end then."""
        assert self._process is not None
        return [pid for pid in _below(self._process.pid) if _is_session(pid)]

    def processes(self) -> list[int]:
        """Whatever runs in the box, its server aside."""
        mark = b"HOME=" + os.fsencode(self.home) + b"\0"
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found

    def crash(self) -> None:
        """Lose power: all of its processes end at once."""
        sessions = self.sessions()
        self.kill()
        lose_power({*sessions, *self.processes()})
        wait_until(lambda: not self.processes(), "the box to be down")

    def close(self) -> None:
        """End it with all that it runs; nothing may be left."""
        self.crash()

    def _command_line(self, port: int) -> list[str]:
        config = self.folder / "sshd_config"
        given = {line.split()[0] for line in self._settings}
        usual = [line for line in self._usual_settings(port) if line.split()[0] not in given]
        config.write_text("\n".join([*self._settings, *usual, ""]))
        return [program(), "-D", "-e", "-f", str(config)]

    def _usual_settings(self, port: int) -> list[str]:
        (self.home / ".bashrc").write_text('cd "$HOME"\n')  # sshd enters the account's own
        environ = " ".join(f"{name}={value}" for name, value in self._environ.items())
        return [
            f"ListenAddress {self.host}:{port}",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {self.folder / 'sshd.pid'}",
            f"SetEnv {environ}",
            f"Subsystem sftp internal-sftp -d {self.home}",
            *("UsePAM no", "StrictModes no", "PasswordAuthentication no", "PrintMotd no"),
            *("KbdInteractiveAuthentication no", "PermitRootLogin yes", "PrintLastLog no"),
            *("MaxStartups 100:30:200", "MaxSessions 100", "UseDNS no"),
        ]


class Network:
    """The user's side, and the boxes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = make_key(folder / "id")
        self.known_hosts = folder / "known_hosts"
        self.config_file = folder / "ssh_config"
        self.boxes: list[Sshd] = []
        self._agents: list[subprocess.Popen[bytes]] = []
        self.configure(f"IdentityFile {self.key}")

    def box(
        self,
        name: str,
        *settings: str,
        is_known: bool = True,
        environ: Mapping[str, str] | None = None,
    ) -> Sshd:
        """A new box, which the configuration names; the user knows its host key."""
        number = len(self.boxes) + _FIRST_ADDRESS
        host = f"127.0.0.{number}"
        key = Path(f"{self.key}.pub")
        box = Sshd(name, host, self.folder / name, key, *settings, environ=environ or {})
        self.boxes.append(box)
        if is_known:
            self.know(box)
        return box

    def configure(self, *of_all: str, before: str = "") -> None:
        """Write OpenSSH's configuration: sections, then what counts for all hosts."""
        usual = [f"UserKnownHostsFile {self.known_hosts}", "GlobalKnownHostsFile none"]
        usual += ["HashKnownHosts no", "IdentityAgent none", "StrictHostKeyChecking yes"]
        text = "\n  ".join(["Host *", *of_all, *usual])
        self.config_file.write_text(f"{before}\n{text}\n")

    def know(self, box: Sshd, name: str | None = None) -> None:
        """Let the user know a box's host key."""
        kind, data = Path(f"{box.host_key}.pub").read_text().split()[:2]
        with self.known_hosts.open("a") as file:
            file.write(f"{name or f'[{box.host}]:{box.port}'} {kind} {data}\n")

    def agent(self, *keys: Path) -> Path:
        """The socket of a new agent that holds keys without passphrases."""
        path = self.folder / f"agent{len(self._agents)}"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
        self._agents.append(agent)
        wait_until(lambda: _listens(path), "the agent")  # it is there before it listens
        environ = os.environ | {"SSH_AUTH_SOCK": str(path)}
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env=environ, check=True)
        return path

    def close(self) -> None:
        for agent in self._agents:
            agent.terminate()
            agent.wait()
        for box in self.boxes:
            box.close()


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new pair of keys; its private half."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return path


def fingerprint(key: Path) -> str:
    """The fingerprint of a public key, as OpenSSH tells it."""
    command = ["ssh-keygen", "-l", "-f", f"{key}.pub"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


def certify(authority: Path, key: Path, *options: str) -> Path:
    """Have an authority sign a key; the certificate."""
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", key.name, *options, f"{key}.pub"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return key.with_name(f"{key.name}-cert.pub")


def program() -> str:
    """The server; it is started by its full path, as it starts itself anew."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}{_SBIN}")
    assert found, "sshd is missing: install OpenSSH's server (apt-get install openssh-server)"
    return found


def _below(pid: int) -> list[int]:
    """The living descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def _is_session(pid: int) -> bool:
    try:
        name = Path(f"/proc/{pid}/comm").read_text()
        title = Path(f"/proc/{pid}/cmdline").read_text()  # empty of one that has ended
    except OSError:
        return False
    is_door = "[net]" in title or name.startswith("sshd-auth")
    return name.startswith("sshd") and title != "" and not is_door


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.connect(str(path))
        return True
    return False
