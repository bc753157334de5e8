"""The states of nodes, and what is said of a node that says nothing itself."""

from typing import Any

RUNNING, STOPPED, UNRESPONSIVE = "running", "stopped", "unresponsive"
UNREACHABLE = "unreachable"
MISCONFIGURED = "misconfigured"


def silent_node(name: str, target: str, state: str) -> dict[str, Any]:
    """What can be said of a node that says nothing itself."""
    return {
        "name": name,
        "target": target,
        "state": state,
        "controller": None,
        "jobs": [],
        "running": 0,
        "queued": 0,
        "concurrent": 0,
        "gpus": 0,
        "machine": None,
    }
