"""A client and its boxes (real sshd servers on this machine), as the benchmarks have them."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from servers.sshd import Network
from support import Xt


class Lab:
    """Boxes that a client's configuration knows. All of it ends with the context."""

    def __init__(self, names: Sequence[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xt-lab-"))
        self.network = Network(self.folder / "net")
        self.boxes = {name: self.network.box(name) for name in names}
        self.xt = Xt(self.folder / "home", self.folder / "code")
        self.xt.environ["XT_SSH_CONFIG"] = str(self.network.config_file)
        self.xt.environ.pop("SSH_AUTH_SOCK", None)
        del self.xt.environ["PYTHONDONTWRITEBYTECODE"]  # users have none
        self.configure()

    def configure(
        self, places: Mapping[str, str] | None = None, pools: Mapping[str, list[str]] | None = None
    ) -> None:
        """Let the client know the boxes (those of `places` at that address, others at their own),
        and pools of them."""
        at = {name: box.place for name, box in self.boxes.items()} | dict(places or {})
        targets = {
            name: {"service": "pool", "boxes": boxes} for name, boxes in (pools or {}).items()
        }
        sections = {
            "boxes": {name: {"address": place} for name, place in at.items()},
            "compute-targets": targets,
        }
        self.xt.configure(json.dumps(sections), instead=True)

    def ssh(self, name: str) -> list[str]:
        """The command line of OpenSSH's own client, to which a command may be added."""
        box, config = self.boxes[name], self.network.config_file
        return ["ssh", "-F", str(config), "-p", str(box.port), box.host]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.xt.close()
        finally:
            self.network.close()
            shutil.rmtree(self.folder)
