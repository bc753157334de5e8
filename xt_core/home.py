"""Where XT keeps its files on this machine: everything lies under ``$XT_HOME``.

What the nodes of one home share is found through `Home`; what a node has for itself, through its
`NodeHome`. No two nodes share a path of the latter kind.
"""

import contextlib
import hashlib
import os
import re
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from xt_core.errors import RefusedError, UsageError
from xt_core.ssh.address import BOX_NAME

FIRST_NODE = "node0"
LOCAL_TEAM = "local"
NODE_NAME = re.compile(r"node(0|[1-9][0-9]*)")
_LIKE_OWN = re.compile(r"node[0-9]+", re.IGNORECASE)
_LONGEST_SOCKET_PATH = 100  # the system's limit is 104 (macOS) or 108 (Linux) bytes
BOX_NAME_HINT = (
    "give it letters, digits, '.', '-' and '_', a letter or digit first; node0, node1 and so on "
    "are this machine's own nodes"
)


def is_own_node(name: str) -> bool:
    """Whether a node is one of those that a home has on its own machine (``node0``, ``node1``, …);
    others are called as the box that they are on."""
    return NODE_NAME.fullmatch(name) is not None


def may_be_box(name: str) -> bool:
    """Whether a box, and the node on it, may have that name."""
    return BOX_NAME.fullmatch(name) is not None and _LIKE_OWN.fullmatch(name) is None


def node_index(name: str) -> int:
    """The number of a node among those of its machine: 3 for ``node3``, 0 for a box. Raises
    UsageError for what is no node's name."""
    match = NODE_NAME.fullmatch(name)
    if match is not None:
        return int(match[1])
    if not may_be_box(name):
        raise UsageError(f"{name!r} is no node name", "as in node0; xt list nodes shows them")
    return 0


def node_order(name: str) -> tuple[bool, int, str]:
    """What nodes are sorted by: a home's own in numeric order, then boxes."""
    return not is_own_node(name), node_index(name), name


@dataclass(frozen=True)
class Home:
    """The paths below one ``XT_HOME``; another ``XT_HOME`` is a fully separate XT.

    Every team has stores and nodes of its own here; those of the local team lie at the top.
    """

    root: Path
    team: str = LOCAL_TEAM

    @staticmethod
    def default() -> "Home":
        """The home that ``XT_HOME`` names, else ``~/.xt``."""
        named = os.environ.get("XT_HOME")
        return Home(Path(named).absolute() if named else Path.home() / ".xt")

    @property
    def config_file(self) -> Path:
        return self.root / "config.yaml"

    @property
    def ui_file(self) -> Path:
        """What the terminal UI remembers: its layout, its theme."""
        return self.root / "ui.json"

    def of_team(self, name: str) -> "Home":
        """The home as a team has it."""
        return replace(self, team=name)

    @property
    def environments_dir(self) -> Path:
        """What setups had built on this machine, for all teams and nodes."""
        return self.root / "environments"

    @property
    def place(self) -> str:
        """The machine and the folder, as members of a team on other machines name it."""
        return f"{os.uname().nodename}:{self.root}"

    @property
    def team_root(self) -> Path:
        """What the team's files on this machine lie under."""
        return self.root if self.team == LOCAL_TEAM else self.root / "teams" / self.team

    @property
    def stats_file(self) -> Path:
        """The local team's stats; of another team what the nodes of this machine know."""
        return self.team_root / "local" / "stats.db"

    @property
    def artifacts_dir(self) -> Path:
        return self.team_root / "local" / "artifacts"

    @property
    def bootstrap_dir(self) -> Path:
        """XT in archives, as boxes get it, and what is known of their Pythons."""
        return self.root / "bootstrap"

    def identity(self) -> str:
        """A name that no other home has: boxes know by it whose embedded team they work for.

        Raises RefusedError where it cannot be kept.
        """
        file = self.root / "identity"
        with contextlib.suppress(FileNotFoundError):
            return file.read_text(encoding="ascii").strip()
        _make(self.root)
        draft = self.root / f"identity.{uuid.uuid4().hex}"
        try:
            draft.write_text(f"{uuid.uuid4().hex[:12]}\n", encoding="ascii")
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(draft, file)
            draft.unlink()
        except OSError as error:
            raise RefusedError(
                f"cannot write {file}: {error.strerror}", "set XT_HOME to a folder you may write to"
            ) from error
        return file.read_text(encoding="ascii").strip()

    @property
    def share_cache_dir(self) -> Path:
        """Data and models that were downloaded, for all nodes of this machine."""
        return self.team_root / "cache"

    def arriving_dir(self, node: str) -> Path:
        """What is on its way from a node that cannot reach the artifacts which this home keeps."""
        return self.team_root / "local" / "arriving" / node

    @property
    def hashes_dir(self) -> Path:
        """The digests of local files that were uploaded."""
        return self.root / "hashes"

    def node(self, name: str) -> "NodeHome":
        """The home as one of its nodes has it. Raises UsageError for what is no node's name."""
        node_index(name)
        return NodeHome(self.root, self.team, name)

    def node_names(self) -> list[str]:
        """The first node, and those that have had a controller here, in numeric order."""
        try:
            entries = os.listdir(self.team_root / "nodes")
        except OSError:
            entries = []
        others = [name for name in entries if NODE_NAME.fullmatch(name) and name != FIRST_NODE]
        return [FIRST_NODE, *sorted(others, key=node_index)]

    def create(self) -> None:
        """Make the folders; raise RefusedError where that is not permitted."""
        for folder in (self.stats_file.parent, self.artifacts_dir):
            _make(folder)
        _check_writable(self.stats_file.parent, self.root)


@dataclass(frozen=True)
class NodeHome(Home):
    """The home as the node of that name has it: the shared paths, and the node's own."""

    name: str = FIRST_NODE

    @property
    def node_dir(self) -> Path:
        """The node's own folder; the first node's is where it was when there was but one."""
        if self.name == FIRST_NODE:
            return self.team_root / "node"
        return self.team_root / "nodes" / self.name

    @property
    def runs_dir(self) -> Path:
        """Run directories of the runs that live on this node."""
        return self.node_dir / "runs"

    @property
    def served_dir(self) -> Path:
        """An empty file a job that the controller has not yet brought to its end, records too."""
        return self.node_dir / "jobs"

    @property
    def outbox_dir(self) -> Path:
        """Artifacts that have not reached the team's store yet."""
        return self.node_dir / "outbox"

    @property
    def copies_dir(self) -> Path:
        """Copies of the team's artifacts that the node works with."""
        return self.node_dir / "copies"

    @property
    def inputs_dir(self) -> Path:
        """Code snapshots that clients have brought here, and what is on its way."""
        return self.node_dir / "inputs"

    @property
    def snapshots_dir(self) -> Path:
        """Code snapshots, unpacked."""
        return self.node_dir / "snapshots"

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
        """Make the shared folders and the node's; raise RefusedError where not permitted."""
        super().create()
        _make(self.runs_dir)
        for folder in (self.node_dir, self.socket.parent):
            private_dir(folder)
        _check_writable(self.node_dir, self.root)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(
            f"cannot create {folder}: {error.strerror}", "set XT_HOME to a folder you may write to"
        ) from error


def _check_writable(folder: Path, root: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise RefusedError(f"cannot write to {root}", "set XT_HOME to a folder you may write to")


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
