"""Which downloaded data and models are needed, from what nodes wrote down of jobs and runs."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xt_core.errors import UnavailableError
from xt_core.home import NodeHome
from xt_core.shares.cache import tree_name
from xt_core.shares.use import ShareUse
from xt_core.submit.mrc import MultiRunConfig

_VARIABLES = ("XT_DATA_DIR", "XT_MODEL_DIR")


def trees_in_use(nodes: Iterable[NodeHome]) -> set[str]:
    """The names of the trees in the cache that a run which has not ended was started with, or
    that a job of which there is a copy may yet start runs with."""
    trees = set[str]()
    for node in nodes:
        trees.update(name for spec in _launch_specs(node) for name in _trees_of(spec))
        trees.update(tree_name(use) for use in _uses_of_jobs(node))
    return trees


def _uses_of_jobs(node: NodeHome) -> Iterator[ShareUse]:
    for path in node.copies_dir.glob("*/jobs/*/mrc.json"):
        with contextlib.suppress(OSError, UnavailableError):  # the job has just ended
            context = MultiRunConfig.from_json(path.read_bytes()).nodes.get(node.name)
            uses = context.shares.values() if context is not None else ()
            yield from (use for use in uses if use.manifest)


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
