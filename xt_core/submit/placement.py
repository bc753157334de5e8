"""Where a job's nodes are: on this machine, or on the boxes of its target."""

from dataclasses import dataclass

from xt_core.config.settings import ComputeTarget, Setup
from xt_core.errors import ConfigError, UsageError, XTError
from xt_core.home import FIRST_NODE, may_be_box
from xt_core.session import Session
from xt_core.shares.names import KINDS
from xt_core.submit.options import RunRequest

_THIS_MACHINE = "local"


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
    if target.service == "local":
        nodes = [f"node{index}" for index in range(_number(request, target, None))]
        return Placement(target.name, nodes, dict.fromkeys(nodes, _setup(session, request)), {})
    _check_pool(session, target)
    chosen = target.boxes[: _number(request, target, len(target.boxes))]
    nodes = [FIRST_NODE if name == _THIS_MACHINE else name for name in chosen]
    setups = {
        node: _setup(session, request, name) for node, name in zip(nodes, chosen, strict=True)
    }
    shares = {name: _kinds(session, name) for name in chosen if name != _THIS_MACHINE}
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


def _check_pool(session: Session, target: ComputeTarget) -> None:
    from xt_core.ssh.configured import box_address

    where = f"compute-targets.{target.name}.boxes"
    if not target.boxes:
        raise ConfigError(f"{where} is empty", f"name its boxes, as in xt config {where} gpu1,gpu2")
    if twice := {name for name in target.boxes if target.boxes.count(name) > 1}:
        raise ConfigError(f"{where} names {min(twice)} twice", "each box is one node")
    for name in target.boxes:
        if name == _THIS_MACHINE:
            continue
        try:
            box_address(session.config, name)
        except XTError as error:
            if target.name == name:
                raise
            origin = session.config.origin(where)
            raise type(error)(f"{where} ({origin}): {error.message}", error.hint) from None
        if not may_be_box(name):
            raise ConfigError(
                f"box {name} is called as a node of this machine", "give it another name"
            )


def _kinds(session: Session, box: str) -> frozenset[str]:
    actions = session.config.box(box).actions
    if unknown := set(actions) - set(KINDS):
        origin = session.config.origin(f"boxes.{box}.actions")
        raise ConfigError(
            f"boxes.{box}.actions ({origin}) has {min(unknown)!r}",
            f"it may have {', '.join(KINDS)}",
        )
    return frozenset(actions)
