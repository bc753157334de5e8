"""The nodes of a team on boxes, as this home knows and reaches them."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xt_core.errors import UnknownNameError
from xt_core.home import Home
from xt_core.nodes.boxcontroller import BoxController, Told
from xt_core.nodes.boxlayers import BoxLayers
from xt_core.nodes.boxrecords import BoxRecords
from xt_core.nodes.limits import Limits
from xt_core.nodes.requests import Told as Waiting
from xt_core.nodes.requests import nobody
from xt_core.services.stores import StoreAccess

if TYPE_CHECKING:
    from xt_core.config import Config
    from xt_core.ssh.boxes import Boxes


class BoxNodes:
    """A client for each box of the configuration, all over one connection a box. Thread-safe."""

    def __init__(
        self,
        home: Home,
        config: "Callable[[], Config]",
        environ: Mapping[str, str],
        access: Callable[[], StoreAccess],
        node_access: Callable[[], StoreAccess],
        connections: "Callable[[], Boxes] | None" = None,
        waiting: Waiting = nobody,
    ) -> None:
        """`home` is this machine's, as the team has it; `connections` are those of another one, to
        be used too. See `BoxController` and `NodeClient` for the rest."""
        self.home, self._config, self._environ = home, config, environ
        self._access, self._node_access = access, node_access
        self.told: Told = lambda _box, _progress: None
        """Told how far installations are."""
        self.records = BoxRecords(home)
        self._layers = BoxLayers(home.bootstrap_dir)
        self._connections, self._waiting = connections, waiting
        self._boxes: Boxes | None = None
        self._clients: dict[str, BoxController] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> BoxController:
        """The client of the node on a box.

        Raises UnknownNameError where the configuration has no such box, UsageError where that has
        no address.
        """
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._new(name)
            return self._clients[name]

    def _new(self, name: str) -> BoxController:
        from xt_core.ssh.configured import box_address

        config = self._config()
        if name in self.missing():
            raise self.missing_error(name)
        address, box = str(box_address(config, name)), config.box(name)
        return BoxController(
            name,
            address,
            lambda: self.boxes.of(name),
            self.home,
            self._environ,
            self._access,
            self._node_access,
            Limits(box.max_runs, box.gpus, config.number("logging.sample-seconds")),
            self._layers,
            lambda name, progress: self.told(name, progress),
            self._waiting,
        )

    @property
    def boxes(self) -> "Boxes":
        """The connections; none is made before it is used."""
        from xt_core.ssh.boxes import Boxes

        if self._connections is not None:
            return self._connections()
        with self._lock:
            if self._boxes is None:
                self._boxes = Boxes(self._config(), self._environ)
            return self._boxes

    def known(self) -> list[str]:
        """The boxes that have been used for the team and are still configured, sorted."""
        configured = self._config().as_dict()["boxes"] if self.records.names() else {}
        return [name for name in self.records.names() if name in configured]

    def missing(self) -> list[str]:
        """The boxes that may have something for this home, and are configured no more."""
        names = [name for name in self.records.names() if self.records.get(name).is_due]
        configured = self._config().as_dict()["boxes"] if names else {}
        return [name for name in names if name not in configured]

    def missing_error(self, name: str) -> UnknownNameError:
        """What is to be said of one of them."""
        address = self.records.get(name).address
        return UnknownNameError(
            f"{name} is not in the configuration any more, and has what is not here yet",
            f"bring it back: xt box add {name} {address or 'USER@HOST:PORT'}; or give that up: "
            f"xt box remove {name} --give-up",
        )

    def reconfigure(self) -> None:
        """Go by the configuration as it is now."""
        with self._lock:
            self._clients.clear()
            if self._boxes is not None:
                self._boxes.reconfigure(self._config())

    def close(self) -> None:
        """End the connections, unless they are another one's; the next use makes new ones."""
        with self._lock:
            boxes, self._boxes = self._boxes, None
        if boxes is not None:
            boxes.close()
