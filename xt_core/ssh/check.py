"""Whether a box can be a node: how far it is, and what it has of what XT needs."""

import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from xt_core import clock
from xt_core.bootstrap.pythons import OLDEST, PLACES
from xt_core.errors import ExitCode, UnavailableError, XTError
from xt_core.ssh.box import RemoteBox
from xt_core.teams.checks.check import MOST_SKEW_SECONDS

LEAST_FREE_BYTES = 1 << 30
_ROUND_TRIPS = 5
_STEP_SECONDS = 30.0
_MARK = "xt:"
_KERNELS = {"linux": "Linux", "macos": "Darwin"}

_PROBE = r"""
say() { printf 'xt:%s=%s\n' "$1" "$2"; }
say system "$(uname -s) $(uname -m)"
for python in PLACES
do
    path=$(command -v "$python" 2>/dev/null) || continue
    version=$("$path" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) ||
        continue
    say python "$version $path"
done
folder=${XT_HOME:-$HOME/.xt}
while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
say folder "$folder"
if (: > "$folder/.xt-probe.$$") 2>/dev/null; then say writable yes; else say writable no; fi
rm -f "$folder/.xt-probe.$$"
say free "$(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')"
for device in /sys/bus/pci/devices/*; do
    if [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ]; then
        case $(cat "$device/class" 2>/dev/null) in 0x03*) say card "${device##*/}";; esac
    fi
done
if command -v nvidia-smi >/dev/null 2>&1; then
    query=index,name,memory.total,driver_version
    if found=$(nvidia-smi --query-gpu=$query --format=csv,noheader,nounits 2>&1); then
        printf '%s\n' "$found" | while read -r line; do say gpu "$line"; done
    else
        say broken "$(printf '%s\n' "$found" | tail -n 1)"
    fi
fi
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `hint` says what to do where it `is_wrong`."""

    what: str
    told: str
    hint: str = ""
    is_wrong: bool = False


@dataclass
class BoxReport:
    """What a check found."""

    name: str
    address: str
    error: XTError | None = None
    """Why the box cannot be reached."""
    latency_ms: float | None = None
    """The median of some round trips over the open connection."""
    system: str = ""
    python: dict[str, str] | None = None
    disk_free_bytes: int | None = None
    clock_skew_seconds: float | None = None
    """How far the box's clock is ahead of this machine's."""
    gpus: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_wrong]

    @property
    def state(self) -> str:
        """``ready``, ``incomplete``, or as `state_of` says it."""
        if self.error is not None:
            return state_of(self.error)
        return "incomplete" if self.problems else "ready"

    @property
    def exit_code(self) -> ExitCode:
        if self.error is not None:
            return self.error.exit_code
        return ExitCode.WORK_FAILED if self.problems else ExitCode.OK

    def lines(self) -> list[str]:
        """The report as text."""
        lines = [f"{self.name} ({self.address}): {self.state}"]
        if self.error is not None:
            lines += [f"  ✗ {self.error.message}", f"    {self.error.hint}"]
        for finding in self.findings:
            lines.append(f"  {'✗' if finding.is_wrong else '✓'} {finding.what:<9} {finding.told}")
            lines += [f"    {finding.hint}"] if finding.hint else []
        return lines

    def document(self) -> dict[str, Any]:
        """The report as `xt box check --json` gives it."""
        error = self.error
        return {
            "name": self.name,
            "address": self.address,
            "state": self.state,
            "latency_ms": self.latency_ms,
            "system": self.system,
            "python": self.python,
            "disk_free_bytes": self.disk_free_bytes,
            "clock_skew_seconds": self.clock_skew_seconds,
            "gpus": self.gpus,
            "problems": [
                {"what": finding.what, "message": finding.told, "hint": finding.hint}
                for finding in self.problems
            ],
            "error": None
            if error is None
            else {"kind": error.kind, "message": error.message, "hint": error.hint},
        }


def state_of(error: XTError) -> str:
    """The state of a box that cannot be used: ``unreachable``, ``refused`` or ``misconfigured``."""
    if isinstance(error, UnavailableError):
        return "unreachable"
    return "refused" if error.exit_code is ExitCode.REFUSED else "misconfigured"


def check_box(
    box: RemoteBox,
    address: str,
    told: Callable[[BoxReport], None] = lambda _report: None,
    *,
    system: str = "linux",
) -> BoxReport:
    """Look at all that matters, and tell what is found so far; what goes wrong with the
    connection ends it. `system` is what the configuration says that it runs."""
    report = BoxReport(box.name, address)
    try:
        box.connect()
        for look in (_measure_latency, _compare_clocks, _probe):
            look(box, report)
            told(report)
        _compare_system(report, system)
    except XTError as error:
        report.error = error
    return report


def _compare_system(report: BoxReport, system: str) -> None:
    kernel = report.system.partition(" ")[0]
    found = next((name for name, each in _KERNELS.items() if each == kernel), None)
    if kernel and found is None:
        hint = "XT works on Linux and macOS"
        report.findings.append(Finding("system", report.system, hint, True))
    elif kernel and found != system:
        setting = f"boxes.{report.name}.os"
        told = f"{report.system}, and {setting} is {system}"
        hint = f"xt config set --user {setting} {found}"
        report.findings.append(Finding("system", told, hint))


def _measure_latency(box: RemoteBox, report: BoxReport) -> None:
    async def round_trips(files: asyncssh.SFTPClient) -> list[float]:
        took = []
        for _ in range(_ROUND_TRIPS):
            began = time.perf_counter()
            await files.realpath(".")
            took.append(time.perf_counter() - began)
        return took

    try:
        took = box.files(round_trips, seconds=_STEP_SECONDS)
    except UnavailableError as error:
        if not box.is_connected:
            raise
        report.findings.append(Finding("files", error.message, error.hint, True))
        return
    report.latency_ms = round(statistics.median(took) * 1000, 2)
    told = f"{report.latency_ms:g} ms, the median of {_ROUND_TRIPS} round trips"
    report.findings.append(Finding("latency", told))


def _compare_clocks(box: RemoteBox, report: BoxReport) -> None:
    before = clock.now()
    told = box.run("date +%s.%N", seconds=_STEP_SECONDS).stdout.decode("utf-8", "replace")
    after = clock.now()
    found = re.search(r"(\d{9,})(\.\d+)?", told)
    if found is None:
        return
    precision = 0.0 if found[2] else 1.0  # of macOS's date, which knows no %N
    skew = float(found[0]) + precision / 2 - (before + after) / 2
    report.clock_skew_seconds = round(skew, 3)
    surely = abs(skew) - (after - before) / 2 - precision / 2
    which = "ahead of" if skew > 0 else "behind"
    if surely > MOST_SKEW_SECONDS:
        wrong = f"the box's clock is {abs(skew):.0f} s {which} this machine's"
        hint = "set the one that is wrong (timedatectl set-ntp true)"
        report.findings.append(Finding("clock", wrong, hint, True))
    else:
        within = "within 1 s of this machine's" if surely < 1 else f"{abs(skew):.0f} s {which} ours"
        report.findings.append(Finding("clock", within))


def _probe(box: RemoteBox, report: BoxReport) -> None:
    probe = _PROBE.replace("PLACES", PLACES)
    done = box.run("sh", probe.encode(), seconds=_STEP_SECONDS)
    facts = _facts(done.stdout.decode("utf-8", "replace"))
    if "system" not in facts:
        told = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"])[-1]
        report.findings.append(
            Finding("commands", f"sh does not run there; it said: {told}",
                    "see what its login shell prints and does", True)
        )  # fmt: skip
        return
    report.system = facts["system"][0]
    report.findings += [_python(facts.get("python", []), report), _disk(facts, report)]
    report.findings += _gpus(facts, report)


def _facts(text: str) -> dict[str, list[str]]:
    """What the probe said; start-up files of the shell may print other lines."""
    facts: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith(_MARK):
            name, _, value = line.removeprefix(_MARK).partition("=")
            facts.setdefault(name, []).append(value.strip())
    return facts


def _python(found: Sequence[str], report: BoxReport) -> Finding:
    oldest = ".".join(str(part) for part in OLDEST)
    hint = f"install Python {oldest} or later there (apt-get install python3, or uv python install)"
    for entry in found:
        version, _, path = entry.partition(" ")
        if tuple(int(part) for part in version.split(".")) >= OLDEST:
            report.python = {"version": version, "path": path}
            return Finding("Python", f"{version} ({path})")
    if not found:
        return Finding("Python", "there is none", hint, True)
    versions = ", ".join(entry.replace(" ", " at ", 1) for entry in dict.fromkeys(found))
    return Finding("Python", f"too old: {versions}", hint, True)


def _disk(facts: dict[str, list[str]], report: BoxReport) -> Finding:
    folder = facts["folder"][0]
    if facts["writable"] != ["yes"]:
        hint = "have the folder made yours, or set XT_HOME there to one that is"
        return Finding("disk", f"{folder} cannot be written to", hint, True)
    free = facts["free"][0]
    if not free.isdigit():
        return Finding("disk", f"free space in {folder} is not known")
    report.disk_free_bytes = size = int(free) * 1024
    told = f"{size / 1e9:.1f} GB free in {folder}"
    if size < LEAST_FREE_BYTES:
        return Finding("disk", f"only {told}", "make room there: at least 1 GB", True)
    return Finding("disk", told)


def _gpus(facts: dict[str, list[str]], report: BoxReport) -> Iterable[Finding]:
    install = "install NVIDIA's driver there"
    if "broken" in facts:
        return [Finding("GPUs", f"nvidia-smi fails: {facts['broken'][0]}", install, True)]
    for line in facts.get("gpu", []):
        index, name, memory, driver = [part.strip() for part in line.split(",", 3)]
        megabytes = int(memory) if memory.isdigit() else None
        report.gpus.append(
            {"index": int(index), "name": name, "memory_mb": megabytes, "driver": driver}
        )
    if report.gpus:
        names = ", ".join(f"{gpu['index']}: {gpu['name']}" for gpu in report.gpus)
        return [Finding("GPUs", f"{names} (driver {report.gpus[0]['driver']})")]
    if "card" in facts:
        told = f"{len(facts['card'])} of NVIDIA, without a driver"
        return [Finding("GPUs", told, install, True)]
    return [Finding("GPUs", "none")]
