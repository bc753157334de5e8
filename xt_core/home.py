"""Where XT keeps its files on this machine: everything lies under ``$XT_HOME``."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from xt_core.errors import RefusedError

_LONGEST_SOCKET_PATH = 100  # the system's limit is 104 (macOS) or 108 (Linux) bytes


@dataclass(frozen=True)
class Home:
    """The paths below one ``XT_HOME``; another ``XT_HOME`` is a fully separate XT."""

    root: Path

    @classmethod
    def default(cls) -> "Home":
        """The home that ``XT_HOME`` names, else ``~/.xt``."""
        named = os.environ.get("XT_HOME")
        return cls(Path(named).absolute() if named else Path.home() / ".xt")

    @property
    def config_file(self) -> Path:
        return self.root / "config.yaml"

    @property
    def stats_file(self) -> Path:
        return self.root / "local" / "stats.db"

    @property
    def artifacts_dir(self) -> Path:
        return self.root / "local" / "artifacts"

    @property
    def node_dir(self) -> Path:
        return self.root / "node"

    @property
    def runs_dir(self) -> Path:
        """Run directories of the runs that live on this node."""
        return self.node_dir / "runs"

    @property
    def served_dir(self) -> Path:
        """An empty file a job that the controller has not yet brought to its end, records too."""
        return self.node_dir / "jobs"

    @property
    def controller_log(self) -> Path:
        return self.node_dir / "controller.log"

    @property
    def controller_lock(self) -> Path:
        """Held (``flock``) by the living controller; its text is the controller's pid."""
        return self.node_dir / "controller.lock"

    @property
    def launch_lock(self) -> Path:
        """Held by the launcher and by each supervisor until it has recorded itself."""
        return self.node_dir / "launch.lock"

    @property
    def socket(self) -> Path:
        """The controller's socket; for a long ``XT_HOME`` a short path in the temporary folder."""
        path = self.node_dir / "controller.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(self.node_dir)).hexdigest()[:16]
        return Path(f"/tmp/xt-{os.getuid()}") / f"{digest}.sock"

    def create(self) -> None:
        """Make the folders; raise RefusedError where that is not permitted."""
        for folder in (self.stats_file.parent, self.artifacts_dir, self.runs_dir):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RefusedError(
                    f"cannot create {folder}: {error.strerror}",
                    "set XT_HOME to a folder you may write to",
                ) from error
        for folder in (self.node_dir, self.socket.parent):
            private_dir(folder)
        if not os.access(self.node_dir, os.W_OK):
            raise RefusedError(
                f"cannot write to {self.root}", "set XT_HOME to a folder you may write to"
            )


def private_dir(folder: Path) -> None:
    """Make sure that a folder exists, is ours, and is closed to other users (mode 0700)."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.getuid():
            raise RefusedError(f"{folder} belongs to another user", "set XT_HOME to another folder")
        if status.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise RefusedError(
            f"cannot use {folder}: {error.strerror}", "set XT_HOME to a folder you may write to"
        ) from error
