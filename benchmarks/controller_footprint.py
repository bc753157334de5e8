"""What a controller takes: memory idle and with 100 live runs, and processor time when nothing
happens.

    python benchmarks/controller_footprint.py [RUNS]

The baseline is a bare `python -c "import aiohttp; …"` that sleeps.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from xt_core.home import Home
from xt_core.session import Session
from xt_core.submit.options import RunRequest
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import submit

_QUIET_SECONDS = 10


def resident_megabytes(pid: int) -> float:
    """The process's own share of memory (PSS): shared pages are counted once over all."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no Pss line")


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def switches(pid: int) -> int:
    """How often the process was woken (voluntary context switches of all its threads)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def quiet(pid: int) -> str:
    """Processor time and wake-ups over some quiet seconds."""
    cpu, woken = processor_seconds(pid), switches(pid)
    time.sleep(_QUIET_SECONDS)
    cpu, woken = processor_seconds(pid) - cpu, switches(pid) - woken
    return f"{cpu * 1000 / _QUIET_SECONDS:.1f} ms CPU and {woken / _QUIET_SECONDS:.1f} wake-ups a s"


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    bare = subprocess.Popen([sys.executable, "-c", "import aiohttp.web, time; time.sleep(999)"])
    with tempfile.TemporaryDirectory() as name:
        home, cwd = Home(Path(name) / "home"), Path(name)
        request = RunRequest(command=["sleep", "600"], runs=runs, concurrent=runs, no_code=True)
        session = Session(home=home, cwd=cwd, overrides=request.overrides())
        session.controller.ensure_running()
        pid = session.controller.status()["nodes"][0]["controller"]["pid"]
        try:
            print(f"bare aiohttp process: {resident_megabytes(bare.pid):.0f} MB")
            print(f"idle controller: {resident_megabytes(pid):.0f} MB, {quiet(pid)}")
            job = submit(session, prepare(session, request), print).job
            while session.controller.status()["nodes"][0]["running"] < runs:
                time.sleep(0.1)
            supervisors = [
                int(path.parent.name)
                for path in Path("/proc").glob("[0-9]*/cmdline")
                if b"zygote.py" in path.read_bytes()
            ]
            each = sum(resident_megabytes(one) for one in supervisors) / len(supervisors)
            print(f"{runs} live runs: {resident_megabytes(pid):.0f} MB, {quiet(pid)}")
            print(f"each supervisor: {each:.1f} MB")
            session.controller.cancel(jobs=[job], grace=1)
        finally:
            session.controller.cancel(everything=True, grace=0)
            session.controller.shut_down()
            bare.kill()
            bare.wait()


if __name__ == "__main__":
    main()
