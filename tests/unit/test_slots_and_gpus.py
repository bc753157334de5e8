"""How many runs may be live, and which GPUs each gets."""

import asyncio
import os
from pathlib import Path

import pytest

from controller.gpus import GpuPool, detect_gpus, share_of_node
from controller.slots import Slots


async def test_slots_admit_up_to_the_limit_and_then_first_come_first_served() -> None:
    slots = Slots(2)
    order: list[int] = []

    async def occupy(number: int) -> None:
        await slots.take()
        order.append(number)

    tasks = [asyncio.create_task(occupy(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert (order, slots.used) == ([0, 1], 2)
    slots.give_back()
    slots.give_back()
    await asyncio.sleep(0)
    assert (order, slots.used) == ([0, 1, 2, 3], 2)
    slots.give_back()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_a_cancelled_waiter_gives_its_turn_to_the_next() -> None:
    slots = Slots(1)
    await slots.take()
    first, second = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.give_back()  # the first waiter has the slot, but does not know it yet
    first.cancel()
    await second
    assert first.cancelled()
    assert slots.used == 1


async def test_a_slot_that_becomes_free_passes_over_who_is_being_cancelled() -> None:
    slots = Slots(1)
    await slots.take()
    first, second = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    first.cancel()  # it does not know it yet
    slots.give_back()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert slots.used == 1


async def test_runs_found_alive_count_beyond_the_limit() -> None:
    slots = Slots(1)
    slots.occupy()
    slots.occupy()
    waiter = asyncio.create_task(slots.take())
    slots.give_back()
    await asyncio.sleep(0)
    assert not waiter.done()
    slots.give_back()
    await waiter
    assert slots.used == 1


async def test_a_raised_limit_admits_those_who_wait() -> None:
    slots = Slots(0)
    waiter = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.limit = None
    await waiter
    assert slots.used == 1


def test_each_run_gets_its_own_share_of_the_gpus() -> None:
    pool = GpuPool(["0", "1", "2", "3"])
    first, second = pool.take(2), pool.take(2)
    assert sorted(first + second) == ["0", "1", "2", "3"]
    assert len(first) == len(second) == 2
    pool.give_back(first)
    assert pool.take(2) == first


def test_more_runs_than_gpus_share_them_evenly() -> None:
    pool = GpuPool(["0", "1"])
    assert [pool.take(4) for _ in range(4)] == [["0"], ["1"], ["0"], ["1"]]


def test_gpus_of_a_run_found_alive_are_not_handed_out_first() -> None:
    pool = GpuPool(["0", "1"])
    assert pool.hold(["0", "7"]) == ["0"]
    assert pool.take(2) == ["1"]


def test_without_gpus_a_run_gets_none() -> None:
    assert GpuPool([]).take(2) == []


@pytest.mark.parametrize("nodes", range(1, 6))
def test_each_gpu_is_of_exactly_one_of_the_nodes(nodes: int) -> None:
    gpus = ["0", "1", "GPU-abc"]
    shares = [share_of_node(gpus, index, nodes) for index in range(nodes)]
    assert sorted(gpu for share in shares for gpu in share) == gpus


@pytest.mark.parametrize(
    ("configured", "environ", "found"),
    [
        ("0, 2", {"CUDA_VISIBLE_DEVICES": "5"}, ["0", "2"]),
        (None, {"CUDA_VISIBLE_DEVICES": "1,GPU-abc"}, ["1", "GPU-abc"]),
        (None, {"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ("", {}, []),
        (None, {"PATH": "/nonexistent"}, []),
    ],
)
def test_gpus_are_those_configured_else_those_visible(
    configured: str | None, environ: dict[str, str], found: list[str]
) -> None:
    assert detect_gpus(configured, environ) == found


def test_all_gpus_that_nvidia_smi_names_are_shared(tmp_path: Path) -> None:
    fake = tmp_path / "nvidia-smi"  # a stand-in: no machine of ours has the real one
    fake.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    fake.chmod(0o755)
    assert detect_gpus(None, {"PATH": f"{tmp_path}{os.pathsep}/bin"}) == ["0", "1"]


def test_a_failing_nvidia_smi_means_no_gpus(tmp_path: Path) -> None:
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\nexit 9\n")
    fake.chmod(0o755)
    assert detect_gpus(None, {"PATH": f"{tmp_path}{os.pathsep}/bin"}) == []
