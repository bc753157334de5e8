"""Nodes as people read of them."""

from datetime import datetime
from typing import Any

import pytest

from xt_core import clock
from xt_core.nodes.states import silent_node
from xt_core.reports.nodes import (
    UNUSED,
    gpus_text,
    load_text,
    machine_text,
    memory_text,
    state_text,
)

GPU = {"id": "0", "name": "T4", "utilization": 87, "memory_total_bytes": 40_000_000_000,
       "memory_used_bytes": 900_000_000, "used_by_runs": 2}  # fmt: skip


def test_machines_are_told_in_short() -> None:
    bare: dict[str, Any] = GPU | {"id": "1", "utilization": None}
    node = {
        "gpus": 2,
        "machine": {"cpus": 8, "cpu_percent": 36.6, "load": 0.73,
                    "memory_total_bytes": 16_000_000_000, "memory_used_bytes": 3_100_000_000,
                    "gpus": [GPU, bare]},
    }  # fmt: skip
    assert load_text(node) == "0.7/8"
    assert memory_text(node) == "3.1/16.0 GB"
    assert gpus_text(node) == "0: 87% 900.0 MB/40.0 GB, 1: 2 runs"
    assert machine_text(node) == (
        "CPU 37%, load 0.7/8, memory 3.1/16.0 GB, GPU 0: 87% 900.0 MB/40.0 GB, 1: 2 runs"
    )


def test_many_gpus_are_told_by_the_use_of_each() -> None:
    gpus = [GPU | {"id": str(number), "utilization": 20 * number} for number in range(4)]
    assert gpus_text({"machine": {"gpus": gpus}}) == "0 20 40 60 %, 3.6/160.0 GB"


def test_what_a_machine_does_not_tell_is_left_out() -> None:
    machine: dict[str, Any] = {"cpus": 8, "load": None, "memory_total_bytes": 16_000_000_000,
               "memory_used_bytes": None, "gpus": []}  # fmt: skip
    assert machine_text({"gpus": 0, "machine": machine}) == "memory 16.0 GB"


def test_of_a_node_that_is_silent_nothing_is_told() -> None:
    assert machine_text(silent_node("gpu1", "gpu1", "stopped")) == ""
    assert machine_text({"gpus": 0}) == ""  # of a controller that is older
    assert gpus_text({"gpus": 2}) == "2"


@pytest.mark.parametrize(
    ("running", "queued", "concurrent", "text"),
    [
        (0, 0, 4, "idle"),
        (0, 3, 4, "idle, 3 queued"),
        (2, 0, 4, "2 of 4 slots"),
        (2, 1, 2, "2 of 2 slots, 1 queued"),
        (2, 0, 0, "2 running"),
    ],
)
def test_a_node_is_idle_or_busy(running: int, queued: int, concurrent: int, text: str) -> None:
    node = {"state": "running", "running": running, "queued": queued, "concurrent": concurrent}
    assert state_text(node) == text


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("stopped", "no controller"),
        ("unresponsive", "does not answer"),
        (UNUSED, "not used yet"),
        ("unreachable", "unreachable"),
    ],
)
def test_a_node_that_says_nothing_is_told_by_its_state(state: str, text: str) -> None:
    assert state_text(silent_node("gpu1", "gpu1", state)) == text


def test_a_box_out_of_reach_is_told_with_the_time_of_its_last_answer() -> None:
    now = datetime.now().astimezone()
    node = silent_node("gpu1", "gpu1", "unreachable") | {"heard": clock.iso(now.timestamp())}
    assert state_text(node) == f"unreachable since {now:%H:%M}"
    long_ago = datetime(2020, 2, 3, 4, 5).astimezone()
    old = node | {"heard": clock.iso(long_ago.timestamp())}
    assert state_text(old) == "unreachable since 2020-02-03 04:05"
