"""The boxes of a configuration: each has one connection in this process, and so has a jump host."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

import asyncssh

from xt_core.config import Config
from xt_core.ssh.address import Address, parse_address
from xt_core.ssh.box import RemoteBox
from xt_core.ssh.configured import box_address, openssh_of
from xt_core.ssh.link import Link
from xt_core.ssh.loop import LOOP
from xt_core.ssh.openssh import Destination


class Boxes:
    """Gives each box, with its connection shared by all who ask. Thread-safe."""

    def __init__(
        self, config: Config, environ: Mapping[str, str], connect_seconds: float | None = None
    ) -> None:
        """`connect_seconds`, if given, goes before OpenSSH's ConnectTimeout."""
        self._config, self._openssh = config, openssh_of(config, environ)
        self._connect_seconds = connect_seconds
        self._boxes: dict[str, RemoteBox] = {}
        self._links: list[Link] = []
        self._jumps: dict[str, Link] = {}
        """By the ways to them."""
        self._lock = threading.Lock()

    def of(self, name: str) -> RemoteBox:
        """The box of that name in the configuration; see `box_address` for the errors."""
        return self.at(name, box_address(self._config, name))

    def at(self, name: str, address: Address) -> RemoteBox:
        """The box at an address, under a name of the caller's."""
        with self._lock:
            if name not in self._boxes:
                link = self._link(name, lambda: self._openssh.destination(address))
                self._boxes[name] = RemoteBox(name, link)
            return self._boxes[name]

    def reconfigure(self, config: Config) -> None:
        """Go by another configuration: boxes that it has at other addresses, or not at all, are
        connected to anew when they are asked for. Other connections stay."""
        with self._lock:
            before, self._config = self._config.as_dict()["boxes"], config
            now = config.as_dict()["boxes"]
            for name in [name for name in self._boxes if now.get(name) != before.get(name)]:
                del self._boxes[name]

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            links, self._links = self._links, []
            self._boxes, self._jumps = {}, {}

        async def end_all() -> None:
            await asyncio.gather(*(link.close() for link in links))

        if links:
            LOOP.call(end_all(), None, lambda: "boxes")

    def _link(self, label: str, destination: Callable[[], Destination]) -> Link:
        link = Link(label, destination, self._jump, self._connect_seconds)
        self._links.append(link)
        return link

    async def _jump(self, destination: Destination) -> asyncssh.SSHClientConnection:
        """The connection to the last of the jump hosts, itself made by way of the others."""
        *before, last = destination.jumps
        way = ",".join(destination.jumps)
        with self._lock:
            if way not in self._jumps:
                self._jumps[way] = self._link(
                    f"jump host {last}", lambda: self._jump_host(last, tuple(before))
                )
            link = self._jumps[way]
        return await link.connection()

    def _jump_host(self, name: str, before: tuple[str, ...]) -> Destination:
        found = self._openssh.destination(parse_address(name.removeprefix("ssh://")))
        return replace(found, jumps=before, proxy_command=None) if before else found
