"""Nodes as people read of them: what they do, and how loaded their machines are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from xt_core import clock
from xt_core.query.formats import byte_text, counted

Node = Mapping[str, Any]
"""With the keys of a node in `xt status --json`."""
UNUSED = "unused"
"""The state of a box that was not used yet."""
_MANY_GPUS = 3
_STATES = {
    "stopped": "no controller",
    "unresponsive": "does not answer",
    UNUSED: "not used yet",
}


def load_text(node: Node) -> str:
    """The load of the last minute over the processors, as ``0.7/8``."""
    machine = node.get("machine")
    if not machine or machine["load"] is None:
        return ""
    return f"{machine['load']:.1f}/{machine['cpus']}"


def cpu_text(node: Node) -> str:
    """How busy all cores together were when they were looked at last, as ``37%``."""
    percent = (node.get("machine") or {}).get("cpu_percent")
    return "" if percent is None else f"{percent:.0f}%"


def memory_text(node: Node) -> str:
    """The memory that is in use, and that there is, as ``3.1/16.0 GB``."""
    machine = node.get("machine")
    return _share(machine["memory_used_bytes"], machine["memory_total_bytes"]) if machine else ""


def gpus_text(node: Node) -> str:
    """The GPUs with their use and memory, as ``0: 87% 31.0/40.0 GB``; many of them as the use of
    each and the memory of all, ``87 55 0 0 %, 62.0/160.0 GB``; without facts, how many."""
    machine = node.get("machine")
    if not machine:
        return str(node.get("gpus") or "")
    gpus = machine["gpus"]
    if len(gpus) < _MANY_GPUS or any(gpu["utilization"] is None for gpu in gpus):
        return ", ".join(gpu_text(gpu) for gpu in gpus)
    used, total = (
        sum(gpu[f"memory_{which}_bytes"] or 0 for gpu in gpus) for which in ("used", "total")
    )
    return f"{' '.join(str(gpu['utilization']) for gpu in gpus)} %, {_share(used, total)}"


def gpu_text(gpu: Mapping[str, Any]) -> str:
    """One GPU; where its use is not known, how many runs have it."""
    if gpu["utilization"] is None:
        return f"{gpu['id']}: {counted(gpu['used_by_runs'], 'run')}"
    memory = _share(gpu["memory_used_bytes"], gpu["memory_total_bytes"])
    return f"{gpu['id']}: {gpu['utilization']}% {memory}".rstrip()


def machine_text(node: Node) -> str:
    """All of it in one line, as ``CPU 9%, load 0.7/8, memory 3.1/16.0 GB, GPU 0: 87% …``."""
    named = {
        "CPU": cpu_text(node),
        "load": load_text(node),
        "memory": memory_text(node),
        "GPU": gpus_text(node),
    }
    return ", ".join(f"{name} {text}" for name, text in named.items() if text)


def _share(used: int | None, total: int | None) -> str:
    if total is None:
        return ""
    whole = byte_text(total)
    if used is None:
        return whole
    part, unit = byte_text(used), whole.rpartition(" ")[2]
    same = part.rpartition(" ")[2] == unit
    return f"{part.rpartition(' ')[0] if same else part}/{whole}"


def state_text(node: Node) -> str:
    """What it does now: ``idle``, ``2 of 4 slots, 1 queued``, ``unreachable since 12:03``, …"""
    state = node["state"]
    if state == "unreachable":
        heard = node.get("heard")
        return state if heard is None else f"{state} since {_moment(heard)}"
    if state != "running":
        return _STATES.get(state, str(state))
    queued = f", {node['queued']} queued" if node["queued"] else ""
    if not node["running"]:
        return f"idle{queued}"
    taken = f" of {counted(node['concurrent'], 'slot')}" if node["concurrent"] else " running"
    return f"{node['running']}{taken}{queued}"


def _moment(iso: str) -> str:
    """A time of day, in the user's time zone; with its date where that is not today."""
    then = datetime.fromisoformat(iso).astimezone()
    today = datetime.fromtimestamp(clock.now()).astimezone().date()
    return then.strftime("%H:%M" if then.date() == today else "%Y-%m-%d %H:%M")
