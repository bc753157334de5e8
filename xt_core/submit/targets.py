"""Whether the settings of compute targets and of their boxes go together; nothing is reached."""

from xt_core.config.settings import ComputeTarget, Config
from xt_core.errors import ConfigError, XTError
from xt_core.home import BOX_NAME_HINT, may_be_box
from xt_core.shares.names import KINDS

THIS_MACHINE = "local"
"""What a pool calls this machine among its boxes."""


def check_target(config: Config, target: ComputeTarget) -> None:
    """Whether jobs can be placed on a target.

    Raises ConfigError, UsageError and UnknownNameError, each with its place.
    """
    section = f"compute-targets.{target.name}"
    if target.service == "local":
        if target.boxes:
            raise ConfigError(
                f"{section}.boxes ({config.origin(f'{section}.boxes')}) is for pools, and the "
                "service is local",
                f"have service: pool in {section}, or leave the boxes out",
            )
        return
    where = f"{section}.boxes"
    if not target.boxes:
        raise ConfigError(f"{where} is empty", f"name its boxes, as in xt config {where} gpu1,gpu2")
    if twice := {name for name in target.boxes if target.boxes.count(name) > 1}:
        raise ConfigError(
            f"{where} ({config.origin(where)}) names {min(twice)} twice", "each box is one node"
        )
    if target.nodes is not None and target.nodes > len(target.boxes):
        raise ConfigError(
            f"{section}.nodes ({config.origin(f'{section}.nodes')}) is {target.nodes}, and the "
            f"pool has {len(target.boxes)}",
            "each box is one node",
        )
    for name in target.boxes:
        if name != THIS_MACHINE:
            _check_member(config, target, name)


def _check_member(config: Config, target: ComputeTarget, name: str) -> None:
    try:
        check_box(config, name)
    except XTError as error:
        where = f"compute-targets.{target.name}.boxes"
        has_place = isinstance(error, ConfigError) and name in config.as_dict()["boxes"]
        if target.name == name or has_place:
            raise
        message = f"{where} ({config.origin(where)}): {error.message}"
        raise type(error)(message, error.hint) from None


def check_box(config: Config, name: str) -> None:
    """Whether a box can be a node, by what is said of it. Raises as `check_target`."""
    from xt_core.ssh.configured import box_address

    if not may_be_box(name):
        raise ConfigError(f"{name!r} is no name for a box", BOX_NAME_HINT)
    box_address(config, name)
    kinds_of(config, name)


def kinds_of(config: Config, box: str) -> frozenset[str]:
    """Which kinds of shares the runs of a box have there. Raises ConfigError."""
    actions = config.box(box).actions
    if unknown := set(actions) - set(KINDS):
        where = f"boxes.{box}.actions"
        raise ConfigError(
            f"{where} ({config.origin(where)}) has {min(unknown)!r}",
            f"it may have {', '.join(KINDS)}",
        )
    return frozenset(actions)
