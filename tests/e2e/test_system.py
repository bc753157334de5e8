"""What runs use: looked at while they live, kept over a controller's death and their own end."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support import Xt, wait_until

from xt_core import clock
from xt_core.nodes.streams import SampleStream
from xt_core.system import follow_node, run_series

_SCRIPT = """\
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
print("here", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
child.kill()
"""
_FAKE_GPU = """\
#!/bin/sh
case "$*" in
*--loop*) while echo "0, GPU-aa, 87, 1024, 61"; do sleep 0.2; done ;;
*) echo 0 ;;
esac
"""


def use_fake_gpu(xt: Xt, folder: Path) -> None:
    """A stand-in for nvidia-smi, with one GPU: machines of ours have none."""
    fake = folder / "bin" / "nvidia-smi"
    fake.parent.mkdir()
    fake.write_text(_FAKE_GPU)
    fake.chmod(0o755)
    xt.environ["PATH"] = f"{fake.parent}{os.pathsep}{xt.environ['PATH']}"
    xt.environ.pop("CUDA_VISIBLE_DEVICES", None)


def used(xt: Xt, name: str = "run1") -> dict[str, Any]:
    return dict(xt.json("view", "system", name)["system"])


def times(xt: Xt) -> list[str]:
    """When the run was looked at, as the engine tells it: without a process of its own."""
    series = run_series(xt.session, xt.run("run1")).series
    return [clock.iso(time) for time in series.get("system.cpu_percent", ([], []))[0]]


@pytest.mark.services
def test_what_a_run_uses_is_kept_whoever_dies(xt: Xt, tmp_path: Path) -> None:
    xt.configure("logging: {sample-seconds: 0.25}\n")
    use_fake_gpu(xt, tmp_path)
    xt.submit(xt.script("t.py", _SCRIPT), str(tmp_path / "gate"))
    xt.wait_output("run1", "here")
    follower = xt.start("view", "system", "run1", "--follow", "--json")
    wait_until(lambda: len(times(xt)) >= 4)
    first = used(xt)
    told = first["system.cpu_percent"]["time"]
    assert told == times(xt)[: len(told)]
    assert first["system.processes"]["value"][-1] == 2
    assert max(first["system.cpu_percent"]["value"]) > 20
    assert first["system.gpu0.percent"]["value"][-1] == 87
    assert first["system.gpu0.memory_bytes"]["value"][-1] == 1 << 30
    machine = used(xt, "node0")
    assert {"system.load", "system.disk_free_bytes", "system.gpu0.temperature"} < set(machine)
    lines = xt("view", "system", "run1").stdout.splitlines()
    assert lines[0].split() == ["series", "last", "mean", "min", "max", "over", "its", "time"]
    assert next(line for line in lines if "gpu0.percent" in line).split()[1:5] == ["87.0%"] * 4

    before = times(xt)
    xt.kill_controller()
    assert times(xt)[: len(before)] == before
    xt.session.controller.ensure_running()
    wait_until(lambda: len(times(xt)) >= len(before) + 4, "samples by the next controller")
    run = xt.run("run1")
    series = run_series(xt.session, run)
    later = run_series(xt.session, run, series.series["system.processes"][0][2])
    assert later.series["system.processes"][0][0] == series.series["system.processes"][0][3]
    stream = follow_node(xt.session, "node0", series.series["system.processes"][0][0])
    sample = next(iter(stream))
    assert sample.time > series.series["system.processes"][0][0]
    assert sample.values["memory_bytes"] > 0
    stream.close()

    living = times(xt)
    (tmp_path / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    assert "ws1/runs/run1/logs/system.jsonl" in xt.artifacts("ws1/runs/run1/logs")
    assert times(xt)[: len(living)] == living
    told, _ = follower.communicate()
    assert follower.returncode == 0
    assert [json.loads(line)["time"] for line in told.splitlines()] == times(xt)


def test_nothing_is_looked_at_where_that_is_off(xt: Xt) -> None:
    xt.configure("logging: {sample-seconds: 0}\n")
    xt.submit("true")
    xt.wait_job("job1")
    assert used(xt) == {}
    assert xt("view", "system", "run1").stderr.startswith("no samples of run1: it was shorter")
    for name in ("nosuch", "node7", "run99"):
        assert name in xt("view", "system", name, code=3).stderr
    stream: SampleStream = follow_node(xt.session, "node0")
    assert list(stream) == []
