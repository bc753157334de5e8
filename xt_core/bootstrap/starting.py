"""``python -I -m xt_core.bootstrap.starting XT_HOME --node NAME …``, run on a box: has a controller
of this installation serve a node. How the team's stores are reached is JSON on standard input.

It prints {"result": {"installation", "socket", "place", "log"}} once the controller answers, else
{"error", "kind", "hint"}.
"""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from xt_core.bootstrap.place import installation
from xt_core.errors import XTError
from xt_core.home import FIRST_NODE, LOCAL_TEAM, Home
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.limits import Limits
from xt_core.services.stores import StoreAccess


def main(argv: list[str]) -> dict[str, object]:
    """What is to be printed."""
    options = _parse(argv)
    limits = Limits.from_json(options.limits)
    access = StoreAccess.from_json(sys.stdin.read())
    home = Home(Path(options.root)).of_team(options.team).node(options.node)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
    try:
        client = ControllerClient(home, environ, lambda: access, limits=limits)
        client.ensure_running(options.gpu_split)
    except XTError as error:
        return {"error": error.message, "kind": error.kind, "hint": error.hint}
    with contextlib.suppress(OSError):
        os.utime(Path(sys.prefix) / "installation.json")  # the last use, by which old ones go
    result = {
        "installation": installation(),
        "socket": str(home.socket),
        "place": home.place,
        "log": str(home.controller_log),
    }
    return {"result": result}


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m xt_core.bootstrap.starting")
    parser.add_argument("root", help="XT_HOME")
    parser.add_argument("--node", default=FIRST_NODE)
    parser.add_argument("--team", default=LOCAL_TEAM)
    parser.add_argument("--limits", default="{}", help="JSON")
    parser.add_argument("--gpu-split", type=int, default=1)
    return parser.parse_args(argv)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
