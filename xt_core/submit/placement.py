"""Where a job's nodes are: on this machine, or on the boxes of its target."""

from dataclasses import dataclass

from xt_core.config.settings import ComputeTarget, Setup
from xt_core.errors import UsageError
from xt_core.home import FIRST_NODE
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.targets import THIS_MACHINE, check_target, kinds_of


@dataclass(frozen=True)
class Placement:
    """The nodes of a job, in the order of their indices."""

    target: str
    nodes: list[str]
    setups: dict[str, Setup | None]
    """What prepares each node."""
    shares: dict[str, frozenset[str]]
    """Which kinds of shares the runs of each box have there; own nodes have all."""

    @property
    def boxes(self) -> list[str]:
        """Those of the nodes that are on boxes."""
        return list(self.shares)

    @property
    def machines(self) -> int:
        """How many machines they are on."""
        return len(self.boxes) + (len(self.boxes) < len(self.nodes))

    @property
    def is_prepared(self) -> bool:
        """Whether there may be programs on the nodes that this machine does not have."""
        return bool(self.boxes) or any(setup is not None for setup in self.setups.values())


def place(session: Session, request: RunRequest) -> Placement:
    """Choose the nodes. Raises UsageError and ConfigError for what cannot be, UnknownNameError."""
    target = session.config.target()
    check_target(session.config, target)
    if target.service == "local":
        nodes = [f"node{index}" for index in range(_number(request, target, None))]
        return Placement(target.name, nodes, dict.fromkeys(nodes, _setup(session, request)), {})
    chosen = target.boxes[: _number(request, target, len(target.boxes))]
    nodes = [FIRST_NODE if name == THIS_MACHINE else name for name in chosen]
    setups = {
        node: _setup(session, request, name) for node, name in zip(nodes, chosen, strict=True)
    }
    shares = {name: kinds_of(session.config, name) for name in chosen if name != THIS_MACHINE}
    return Placement(target.name, nodes, setups, shares)


def _number(request: RunRequest, target: ComputeTarget, most: int | None) -> int:
    count = target.nodes if request.nodes is None else request.nodes
    if count is None:
        return most or 1
    if count < 1:
        raise UsageError(f"--nodes is {count}", "give --nodes a number of 1 or more")
    if most is not None and count > most:
        raise UsageError(
            f"{count} nodes of {target.name}, which has {most}",
            "each box is one node: give --nodes no more than that",
        )
    return count


def _setup(session: Session, request: RunRequest, box: str | None = None) -> Setup | None:
    """What prepares a node: as the user asks, else the target, else the box."""
    config, target = session.config, session.config.target()
    if request.setup:
        return config.setup(request.setup)
    if target.setup:
        return config.setup_of(f"compute-targets.{target.name}")
    return None if box is None else config.setup_of(f"boxes.{box}")
