"""Boxes as a user's configuration has them."""

import os
from pathlib import Path

from servers.sshd import Network

from xt_core.config import load_config
from xt_core.home import Home
from xt_core.ssh.address import parse_address
from xt_core.ssh.box import RemoteBox
from xt_core.ssh.boxes import Boxes


def boxes_of(network: Network, connect_seconds: float | None = None) -> Boxes:
    """The boxes of a network, by OpenSSH's configuration of it."""
    folder = network.folder
    overrides = {"general.ssh-config": str(network.config_file)}
    config = load_config(Home(folder / "xt"), folder, {}, overrides)
    return Boxes(config, dict(os.environ), connect_seconds)


def box_at(boxes: Boxes, place: str, name: str = "gpu1") -> RemoteBox:
    """The box at an address, under a name."""
    return boxes.at(name, parse_address(place))


def hash_names(file: Path) -> None:
    """Have OpenSSH hash the names of a file of known hosts."""
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
