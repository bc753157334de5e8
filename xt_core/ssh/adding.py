"""Boxes made known and forgotten: what `xt box add|remove` and the form of the terminal UI do."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xt_core.config import config_files, write_setting
from xt_core.errors import RefusedError, UnknownNameError, UsageError
from xt_core.home import BOX_NAME_HINT, may_be_box
from xt_core.session import Session

if TYPE_CHECKING:
    import asyncssh

    from xt_core.ssh.boxes import Boxes
    from xt_core.ssh.openssh import Destination

CONNECT_SECONDS = 10.0
_MOST_HOPS = 8


@dataclass(frozen=True)
class NewBox:
    """What is said of a box that is to be added."""

    name: str
    address: str
    max_runs: int | None = None
    gpus: str | None = None
    setup: str | None = None

    def settings(self) -> Mapping[str, object]:
        """What is written of it, the address last: without one a box is none."""
        settings = {
            "setup": self.setup,
            "gpus": self.gpus,
            "max-runs": self.max_runs,
            "address": self.address,
        }
        return {name: value for name, value in settings.items() if value is not None}


@dataclass(frozen=True)
class UnknownKey:
    """The key of a host that nothing is known of."""

    host: str
    kind: str
    fingerprint: str
    destination: "Destination"
    key: "asyncssh.SSHKey"


def check_new_box(session: Session, new: NewBox) -> None:
    """Raise UsageError, RefusedError or UnknownNameError unless such a box may be added."""
    from xt_core.ssh.address import parse_address

    parse_address(new.address)
    if not may_be_box(new.name):
        raise UsageError(f"{new.name!r} is no name for a box", BOX_NAME_HINT)
    if new.name == "local":
        raise RefusedError("box local is this machine", "give another name")
    known = session.config.as_dict()["boxes"].get(new.name, {}).get("address")
    if known not in (None, new.address):
        raise RefusedError(
            f"there is a box {new.name} already: {known} "
            f"({session.config.origin(f'boxes.{new.name}.address')})",
            f"give another name, or xt box remove {new.name} first",
        )
    if new.setup is not None:
        session.config.setup(new.setup)


def reach_new_box(
    session: Session,
    new: NewBox,
    accept: Callable[[UnknownKey], None],
    kept: Callable[[UnknownKey, Path], None],
    connect_seconds: float = CONNECT_SECONDS,
) -> None:
    """Connect to a box that may be added.

    `accept` is asked about each key of a host on the way that is not known, and raises for one
    that is not to be accepted; `kept` is told where one that was is written. Raises what
    `check_new_box` and `RemoteBox.connect` raise.
    """
    from xt_core.ssh.boxes import Boxes

    check_new_box(session, new)
    boxes = Boxes(session.config, session.environ, connect_seconds)
    try:
        _connect(boxes, new, accept, kept)
    finally:
        boxes.close()


def write_box(session: Session, new: NewBox) -> Path:
    """Write a box, which was reached, to the user's configuration; the file."""
    session.home.create()
    file = session.home.config_file
    for name, value in new.settings().items():
        write_setting(file, f"boxes.{new.name}.{name}", str(value))
    return file


def _connect(
    boxes: "Boxes",
    new: NewBox,
    accept: Callable[[UnknownKey], None],
    kept: Callable[[UnknownKey, Path], None],
) -> None:
    """Connect, having each unknown key on the way accepted."""
    from xt_core.ssh.address import parse_address
    from xt_core.ssh.known_hosts import add_known_key, host_name
    from xt_core.ssh.troubles import UnknownHostKeyError, kind_of

    address = parse_address(new.address)
    for _ in range(_MOST_HOPS):
        try:
            boxes.at(new.name, address).connect()
            return
        except UnknownHostKeyError as error:
            destination, key = error.destination, error.key
            shown = key.get_fingerprint()
            unknown = UnknownKey(host_name(destination), kind_of(key), shown, destination, key)
            accept(unknown)
            kept(unknown, add_known_key(destination, key))
            boxes.close()  # there is no pause before the next attempt
    raise RefusedError(f"the keys of more than {_MOST_HOPS} hosts would have to be accepted")


def remove_box(session: Session, name: str, *, give_up: bool = False) -> list[Path]:
    """Take a box out of all files of the configuration; those that had it.

    One that has what is not here yet is kept, unless that is to be given up. Raises RefusedError
    for that, and for this machine's own box; UnknownNameError where there is no such box.
    """
    from xt_core.config.removal import remove_entry

    if name == "local":
        raise RefusedError("box local is this machine", "it cannot be removed")
    if not (give_up and name in session.boxes.missing()):
        session.config.box(name)
    if give_up:
        session.homecoming.give_up(name)
    elif name in session.homecoming.due():
        raise RefusedError(
            f"{name} has unfinished runs, or what is not here yet",
            f"xt sync {name} brings it; --give-up counts as cancelled what has not ended",
        )
    files = []
    for file in config_files(session.home, session.cwd, session.environ):
        with contextlib.suppress(UnknownNameError):  # it is in one of the others
            remove_entry(file, "boxes", name)
            files.append(file)
    return files


def remote_names(session: Session) -> list[str]:
    """The boxes that have an address."""
    boxes: dict[str, dict[str, Any]] = session.config.as_dict()["boxes"]
    return [name for name, box in boxes.items() if box["address"] is not None]
