"""What a controller tells of its machine."""

import os
from pathlib import Path

import pytest

from controller.gpus import GpuPool
from controller.machine import Machine, memory_bytes, query_gpus

GIB = 1 << 30


def nvidia_smi(folder: Path, *lines: str) -> dict[str, str]:
    """An environment with a stand-in for nvidia-smi, which counts its calls in a file."""
    fake = folder / "nvidia-smi"
    told = "".join(f"echo '{line}'\n" for line in lines)
    fake.write_text(f'#!/bin/sh\necho "$*" >> {folder}/calls\n{told}')
    fake.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"}


async def test_gpus_are_those_of_the_node_with_what_nvidia_smi_says(tmp_path: Path) -> None:
    environ = nvidia_smi(
        tmp_path,
        "0, GPU-aa, NVIDIA A100, 87, 40960, 1024",
        "1, GPU-bb, Tesla T4, [N/A], 15360, 0",
        "2, GPU-cc, Tesla T4, 5, 15360, 0",
    )
    pool = GpuPool(["0", "GPU-bb", "7"])
    pool.take(3)
    machine = Machine(pool, environ)
    await machine.refresh(may_wait=True)
    assert machine.describe()["gpus"] == [
        {"id": "0", "name": "NVIDIA A100", "utilization": 87, "memory_total_bytes": 40 * GIB,
         "memory_used_bytes": GIB, "used_by_runs": 1},
        {"id": "GPU-bb", "name": "Tesla T4", "utilization": None, "memory_total_bytes": 15 * GIB,
         "memory_used_bytes": 0, "used_by_runs": 0},
        {"id": "7", "name": None, "utilization": None, "memory_total_bytes": None,
         "memory_used_bytes": None, "used_by_runs": 0},
    ]  # fmt: skip


async def test_fresh_facts_are_not_asked_for_again(tmp_path: Path) -> None:
    machine = Machine(GpuPool(["0"]), nvidia_smi(tmp_path, "0, GPU-aa, T4, 1, 2, 1"))
    for _ in range(5):
        await machine.refresh(may_wait=True)
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


async def test_a_node_without_gpus_asks_nobody(tmp_path: Path) -> None:
    machine = Machine(GpuPool([]), nvidia_smi(tmp_path, "0, GPU-aa, T4, 1, 2, 1"))
    await machine.refresh(may_wait=True)
    assert machine.describe()["gpus"] == []
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize("line", ["No devices were found", "", "a, b, c"])
def test_what_nvidia_smi_says_otherwise_is_no_gpu(tmp_path: Path, line: str) -> None:
    assert query_gpus(nvidia_smi(tmp_path, line)) == []


def test_a_machine_without_nvidia_smi_has_no_facts_of_gpus() -> None:
    assert query_gpus({"PATH": "/nonexistent"}) == []


def test_load_and_memory_are_those_of_this_machine() -> None:
    total, used = memory_bytes()
    assert total is not None
    assert used is not None
    assert 0 < used < total
    described = Machine(GpuPool([]), {}).describe()
    assert described["memory_total_bytes"] == total
    assert described["cpus"] >= 1
    assert described["load"] >= 0


async def test_who_may_not_wait_gets_the_facts_the_next_time(tmp_path: Path) -> None:
    machine = Machine(GpuPool(["0"]), nvidia_smi(tmp_path, "0, GPU-aa, T4, 1, 2, 1"))
    await machine.refresh(may_wait=False)
    assert machine.describe()["gpus"][0]["utilization"] is None
    await machine.refresh(may_wait=True)  # for what was asked already
    assert machine.describe()["gpus"][0]["utilization"] == 1
    assert len((tmp_path / "calls").read_text().splitlines()) == 1
