"""Which downloaded data and models living runs work with, from what their nodes wrote down."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xt_core.home import NodeHome

_VARIABLES = ("XT_DATA_DIR", "XT_MODEL_DIR")


def trees_in_use(nodes: Iterable[NodeHome]) -> set[str]:
    """The names of the trees in the cache that a run which has not ended was started with."""
    return {name for node in nodes for spec in _launch_specs(node) for name in _trees_of(spec)}


def _launch_specs(node: NodeHome) -> Iterator[dict[str, Any]]:
    for path in node.runs_dir.glob("*/*/control/launch.json"):
        try:
            spec = json.loads(path.read_bytes())
        except (OSError, ValueError):  # its run has just ended
            continue
        if isinstance(spec, dict):
            yield spec


def _trees_of(spec: dict[str, Any]) -> Iterator[str]:
    env: dict[str, str] = spec.get("env") or {}
    for variable in _VARIABLES:
        path = Path(env.get(variable, ""))
        if path.parent.name == "trees":
            yield path.name
