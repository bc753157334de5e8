"""What a sampler sees of real processes, of this machine, and of a stand-in for nvidia-smi."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import wait_until

from controller.gpuwatch import GpuWatch
from controller.processtable import ProcessTable, machine_cpu_seconds
from controller.sampling import Sampled, Sampler
from xt_core.model.samples import Sample, samples_from

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
TREE = """
import os, subprocess, sys, time
held = bytearray(64 << 20)
below = subprocess.Popen([sys.executable, "-c", "while True: pass"])
print("here", flush=True)
below.wait()
"""


@pytest.fixture
def supervisor() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a child that holds 64 MiB, and a grandchild that is busy."""
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TREE!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def sampler(path: Path, pid: int, interval: float = 60.0) -> Sampler:
    run = Sampled(pid, (), path)
    return Sampler(interval, lambda: [run], (), GpuWatch({}, interval), path.parent)


def samples(path: Path) -> list[Sample]:
    return samples_from(path.read_bytes().splitlines()) if path.exists() else []


def test_a_tree_is_all_that_runs_below_the_supervisor(
    supervisor: "subprocess.Popen[bytes]",
) -> None:
    first = ProcessTable().tree(supervisor.pid)
    assert first is not None
    assert first.processes == 2
    assert 64 << 20 < first.memory_bytes < 512 << 20

    def worked() -> bool:
        now = ProcessTable().tree(supervisor.pid)
        return now is not None and now.cpu_seconds > first.cpu_seconds + 0.2

    assert wait_until(worked, "the grandchild to work")
    assert first.read_bytes is not None
    table = ProcessTable()
    assert table.tree(2**22 + 1) is None
    assert table.started(2**22 + 1) is None
    assert 0 < table.age(supervisor.pid) < 300


async def test_a_run_that_has_just_begun_has_a_sample_at_once(
    supervisor: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    path = tmp_path / "system.jsonl"
    looks = sampler(path, supervisor.pid)
    wait_until(lambda: ProcessTable().age(supervisor.pid) > 0.3)
    await looks.look()
    wait_until(lambda: ProcessTable().age(supervisor.pid) > samples(path)[0].seconds + 0.5)
    await looks.look()
    first, second = samples(path)
    assert first.seconds > 0.3
    assert second.values["processes"] == 2
    assert second.values["memory_bytes"] > 64 << 20
    assert 0 < second.values["cpu_percent"] < 150
    assert set(second.values) == {
        "cpu_percent", "memory_bytes", "processes", "read_bytes_per_second",
        "write_bytes_per_second",
    }  # fmt: skip
    machine = looks.machine(float("-inf"))
    assert [set(each.values) for each in machine] == [{
        "cpu_percent", "memory_bytes", "memory_total_bytes", "load", "disk_free_bytes",
    }] * 2  # fmt: skip
    assert 0 <= machine[1].values["cpu_percent"] <= 100
    assert looks.machine(machine[0].time) == machine[1:]


async def test_of_a_run_that_was_there_before_the_controller_rates_come_with_the_second_look(
    supervisor: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    path = tmp_path / "system.jsonl"
    looks = sampler(path, supervisor.pid, interval=0.01)
    wait_until(lambda: ProcessTable().age(supervisor.pid) > 0.3)
    await looks.look()
    assert samples(path) == []
    seen = ProcessTable().age(supervisor.pid)
    wait_until(lambda: ProcessTable().age(supervisor.pid) > seen + 0.4)
    await looks.look()
    assert len(samples(path)) == 1


async def test_a_process_that_has_the_number_of_an_ended_run_is_not_taken_for_it(
    supervisor: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    path = tmp_path / "system.jsonl"
    looks = sampler(path, supervisor.pid)
    wait_until(lambda: ProcessTable().age(supervisor.pid) > 0.3)
    await looks.look()
    looks._known[path].started = 1  # as if another one had been seen under it
    for _ in range(3):
        await looks.look()
    assert len(samples(path)) == 1


def test_the_machine_tells_of_its_processors() -> None:
    found = machine_cpu_seconds()
    assert found is not None
    assert 0 < found[0] < found[1]


async def test_one_nvidia_smi_goes_on_telling_of_the_gpus(tmp_path: Path) -> None:
    """The program is a stand-in: it counts its starts, and tells two rounds."""
    fake = tmp_path / "nvidia-smi"
    fake.write_text(f"""#!/bin/sh
echo "$*" >> {tmp_path}/calls
echo "0, GPU-aa, 10, 1024, 40"; echo "1, GPU-bb, [N/A], 2, 41"; echo "no line"
echo "0, GPU-aa, 90, 2048, 45"
exec sleep 600
""")
    fake.chmod(0o755)
    watch = GpuWatch({"PATH": f"{tmp_path}:/usr/bin:/bin"}, 5.0)
    watch.start()
    async with asyncio.timeout(60):
        while watch.values(["0"]).get("gpu0.percent") != 90:
            await asyncio.sleep(0.01)
    mebibyte = 1 << 20
    assert watch.values(["0", "GPU-b", "7"]) == {
        "gpu0.percent": 90, "gpu0.memory_bytes": 2048 * mebibyte, "gpu0.temperature": 45,
        "gpu1.memory_bytes": 2 * mebibyte, "gpu1.temperature": 41,
    }  # fmt: skip
    assert watch.values([]) == {}
    await watch.stop()
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert "--loop=5" in calls[0]
