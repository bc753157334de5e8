"""The controller of a node on a box, reached over SSH: installed and started as need be."""

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xt_core
from xt_core import clock
from xt_core.errors import RefusedError, XTError
from xt_core.home import Home
from xt_core.nodes.boxlayers import BoxLayers
from xt_core.nodes.boxrecords import BoxRecords
from xt_core.nodes.http import UnixConnection
from xt_core.nodes.limits import Limits
from xt_core.nodes.requests import NodeClient, nobody
from xt_core.nodes.requests import Told as Waiting
from xt_core.nodes.states import STOPPED, UNREACHABLE, UNRESPONSIVE, silent_node
from xt_core.services.stores import StoreAccess

if TYPE_CHECKING:
    from xt_core.bootstrap.installation import Progress
    from xt_core.ssh.box import RemoteBox

_HEARD_EVERY_SECONDS = 1.0

Told = Callable[[str, "Progress"], None]
"""Told of each step of an installation: the box, and how far it is."""


class BoxController(NodeClient):
    """Talks to the controller of the node of that name, over the connection of its box."""

    def __init__(
        self,
        name: str,
        address: str,
        box: "Callable[[], RemoteBox]",
        home: Home,
        environ: Mapping[str, str],
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess],
        limits: Limits,
        layers: BoxLayers,
        told: Told,
        waiting: Waiting = nobody,
    ) -> None:
        """`home` is this machine's, as the team has it; `address` is where the configuration says
        that the box is, and `box` connects to it on use. `layers` are the same for all boxes."""
        super().__init__(
            name,
            lambda: access().for_box(home),
            lambda: node_access().for_box(home),
            waiting,
        )
        self.address, self._open_box = address, box
        self._home, self._environ = home, environ
        self._limits, self._layers, self._told = limits, layers, told
        self._records = BoxRecords(home)

    @property
    def box(self) -> "RemoteBox":
        """The box, over its one connection."""
        return self._open_box()

    @property
    def is_known(self) -> bool:
        """Whether it has had a controller that this home knows of, at the same address."""
        record = self._records.get(self.name)
        return bool(record.socket) and record.address == self.address

    def _connection(self, seconds: float | None = None) -> UnixConnection:
        if not self.is_known:
            raise ConnectionRefusedError(f"{self.name} has no controller yet")
        socket = self._records.get(self.name).socket
        reach = self.box.open_socket
        return UnixConnection(
            Path(socket), reach if seconds is None else partial(reach, seconds=seconds)
        )

    def status(self, patience: float | None = None, *, of_machine: bool = False) -> dict[str, Any]:
        if patience is not None and self.is_known:
            self.box.connect(patience)  # the attempt goes on where it takes longer
        answer = super().status(patience, of_machine=of_machine)
        heard = self._records.get(self.name).heard
        if heard is None or clock.now() - heard > _HEARD_EVERY_SECONDS:
            with contextlib.suppress(XTError):  # no room for it: it answers all the same
                self._records.update(self.name, heard=clock.now())
        for node in answer["nodes"]:
            node["target"] = self.name
        return answer

    def silent_node(self, error: XTError) -> dict[str, Any]:
        """What can be said of the node, which does not answer: whether it is out of reach, and
        since when. Over a connection that is up it has no controller if nobody listens, else it,
        or the connection, hangs."""
        state = UNREACHABLE
        if not self.is_known:
            state = STOPPED
        elif self.box.is_connected:
            is_refused = isinstance(error.__cause__, ConnectionRefusedError)
            state = STOPPED if is_refused else UNRESPONSIVE
        node = silent_node(self.name, self.name, state)
        heard = self._records.get(self.name).heard
        return node | {
            "reason": error.message,
            "heard": None if heard is None else clock.iso(heard),
        }

    def _located(self, message: str) -> str:
        """Its paths are the box's."""
        return f"{self.name}: {message}"

    # Life -------------------------------------------------------------------------------

    def ensure_running(self, gpu_split: int = 1, *, needs: Sequence[str] = ()) -> None:
        """See `NodeClient`; the machine is the box's alone. With more `needs` than what the team's
        stores ask for, those layers of packages are there too.

        Raises RefusedError and UnavailableError, which name the box.
        """
        wanted = self._needs(needs)
        node = self._found_node(wanted) if self.is_known else None
        if node is not None and self._is_current(node, wanted):
            self._renew_access(node)
            return
        from xt_core.bootstrap.installation import ensure_controller

        started = ensure_controller(
            self.box,
            wanted,
            self._home.bootstrap_dir,
            self._environ,
            node=self.name,
            team=self._team(),
            access=self._node_access(),
            limits=self._limits,
            told=lambda progress: self._told(self.name, progress),
        )
        self._refuse_another_machine(started.place)
        self._layers.forget()
        self._records.update(
            self.name,
            address=self.address,
            socket=started.socket,
            place=started.place,
            log=started.log,
            needs=list(wanted),
            heard=clock.now(),
        )

    def _refuse_another_machine(self, place: str) -> None:
        """What is unfinished on a box cannot be steered, or brought home, from another one that
        was given its name."""
        record = self._records.get(self.name)
        if record.is_due and record.address != self.address and record.place not in ("", place):
            raise RefusedError(
                f"{self.name} at {self.address} is another machine ({place}) than the one of that "
                f"name at {record.address} ({record.place}), which has what is not here yet",
                "give it its old address back, or call the new machine by another name; if it is "
                f"the same machine, remove {self._records.file(self.name)}",
            )

    def _found_node(self, needs: Sequence[str]) -> dict[str, Any] | None:
        """What the controller says of its node, if it answers. While the box is connected, it is
        worked out with what its controller will be compared."""

        def connect() -> None:
            with contextlib.suppress(XTError, OSError):  # told to whoever asks next
                self.box.connect()

        threading.Thread(target=connect, name=f"connect {self.name}", daemon=True).start()
        self._layers.of(self.name, needs)
        return self._node()

    def shut_down(self) -> None:
        """Let the controller end; runs live on, and the next controller finds them."""
        self._request("POST", "/shutdown", {})

    def _team(self) -> str:
        """The team's name on the box: where a store is kept at home, one of this home's own."""
        if not self._access().is_kept_at_home:
            return self._home.team
        return f"{self._home.team}-{self._home.identity()}"

    def _needs(self, more: Sequence[str]) -> list[str]:
        from xt_core.bootstrap.needs import needs_of

        needs = needs_of(self._access(), searches=False)
        before = self._records.get(self.name).needs
        return needs + sorted({*more, *before} - set(needs))

    def _is_current(self, node: Mapping[str, Any], needs: Sequence[str]) -> bool:
        """Whether the controller, by what it says of its node, may go on as it is: it may have
        been given more than what is needed from here."""
        controller = node["controller"]
        self._refuse_newer(controller["version"])
        return (
            controller["version"] == xt_core.__version__
            and node["access"] == self._access().fingerprint()
            and node["limits"] == asdict(self._limits)
            and self._has_layers(controller["layers"], needs)
        )

    def _has_layers(self, layers: Sequence[str], needs: Sequence[str]) -> bool:
        wanted = self._layers.of(self.name, needs)
        return wanted is not None and wanted <= set(layers)
