"""The Pythons of a box, and which one the controller gets."""

import json
import platform
import shlex
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xt_core.bootstrap.box import Box
from xt_core.errors import UnavailableError

OLDEST = (3, 11)
_MARK = "xt:"
_NEWEST_MUSL = 2
_FACTS = """
import json, os, platform, sys, sysconfig
print("xt:" + json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(),
    "soabi": sysconfig.get_config_var("SOABI") or "",
    "platform": sysconfig.get_platform(),
    "libc": list(platform.libc_ver()),
    "system": sys.platform,
    "machine": os.uname()[4],
}))
"""
PLACES = r"""python3.14 python3.13 python3.12 python3.11 python3 \
    "$HOME"/.local/bin/python3 "$HOME"/.local/share/uv/python/*/bin/python3 \
    "$HOME"/.pyenv/versions/*/bin/python3 "$HOME"/*conda3/bin/python3 \
    "$HOME"/miniforge3/bin/python3 /opt/*conda3/bin/python3 /opt/conda/bin/python3 \
    /usr/local/bin/python3"""
"""Where a Python may be, as a shell has it."""
_PROBE = r"""
echo "xt:home ${XT_HOME:-$HOME/.xt}"
for python in PLACES
do
    path=$(command -v "$python" 2>/dev/null) || continue
    "$path" -I -c FACTS 2>/dev/null || echo "xt:broken $path"
done
"""


@dataclass(frozen=True)
class Python:
    """What is to be known of a Python, to tell which files suit it."""

    executable: str
    version: tuple[int, int, int]
    implementation: str
    soabi: str
    platform: str
    """As sysconfig has it: ``linux-x86_64``."""
    libc: tuple[str, str]
    system: str
    """As `sys.platform`."""
    machine: str

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Python":
        version, libc = facts["version"], facts["libc"]
        return Python(**(facts | {"version": tuple(version), "libc": tuple(libc)}))

    @property
    def shown(self) -> str:
        return f"{self.implementation} {'.'.join(map(str, self.version))} on {self.platform}"

    @property
    def is_fit(self) -> bool:
        return self.implementation == "CPython" and self.version >= OLDEST

    def platforms(self) -> list[str]:
        """The platform tags of wheels that suit it, the best first."""
        from packaging import tags

        if self.system == "darwin":
            numbers = self.platform.split("-")[1].split(".")
            version = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
            return list(tags.mac_platforms(version, self.machine))
        if "musl" in self.soabi:
            return [f"musllinux_1_{n}_{self.machine}" for n in range(_NEWEST_MUSL, -1, -1)]
        if self.libc[0] != "glibc":
            return []
        minor = int(self.libc[1].split(".")[1])
        named = [f"manylinux_2_{n}_{self.machine}" for n in range(minor, 4, -1)]
        older = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
        named += [f"{name}_{self.machine}" for n, name in older.items() if n <= minor]
        return named

    def tags(self, *, is_here: bool) -> set[str]:
        """The tags of wheels that suit it; what was built here (`linux_…`) where it runs here
        (`is_here`: on a system like this one)."""
        from packaging.tags import compatible_tags, cpython_tags

        short = f"cp{self.version[0]}{self.version[1]}"
        version = self.version[:2]
        platforms = self.platforms()
        if is_here:
            platforms.append(self.platform.replace("-", "_").replace(".", "_"))
        found = [*cpython_tags(version, [short], platforms)]
        found += compatible_tags(version, short, platforms)
        return {str(tag) for tag in found}

    def marker_environment(self) -> dict[str, str]:
        """What requirements' conditions are about."""
        return {
            "implementation_name": "cpython",
            "implementation_version": ".".join(map(str, self.version)),
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": self.implementation,
            "platform_system": "Darwin" if self.system == "darwin" else "Linux",
            "python_full_version": ".".join(map(str, self.version)),
            "python_version": f"{self.version[0]}.{self.version[1]}",
            "sys_platform": self.system,
        }


def own_python() -> Python:
    """The one that this process runs in."""
    return Python(
        executable=sys.executable,
        version=sys.version_info[:3],
        implementation=platform.python_implementation(),
        soabi=sysconfig.get_config_var("SOABI") or "",
        platform=sysconfig.get_platform(),
        libc=platform.libc_ver(),
        system=sys.platform,
        machine=platform.machine(),
    )


def runs_like(one: Python, other: Python) -> bool:
    """Whether compiled files of one suit the other, as far as Python is concerned; a C library
    must be no older."""
    is_same = (one.soabi, one.platform, one.libc[0]) == (other.soabi, other.platform, other.libc[0])
    return is_same and _numbers(other.libc[1]) >= _numbers(one.libc[1])


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def find_python(box: Box) -> tuple[Python, str]:
    """The Python that the controller gets on a box, and the XT_HOME there.

    One like this process's comes first, since it can use this machine's files; then the newest.
    Raises UnavailableError where there is none.
    """
    probe = _PROBE.replace("PLACES", PLACES).replace("FACTS", shlex.quote(_FACTS))
    done = box.run("sh -s", probe.encode(), seconds=60.0)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    home = next((line[len(_MARK) + 5 :] for line in lines if line.startswith(f"{_MARK}home ")), "")
    if not home:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UnavailableError(
            f"{box.name}: it has no shell that XT can use: {(reason or ['no answer'])[-1]}",
            "XT needs a POSIX sh there",
        )
    found = list(_pythons(lines))
    fit = [python for python in found if python.is_fit]
    if fit:
        own = own_python()
        return max(fit, key=lambda python: (runs_like(own, python), python.version)), home
    wanted = f"Python {OLDEST[0]}.{OLDEST[1]} or later"
    hint = f"install {wanted} there, for all or with: uv python install 3.12"
    if found:
        newest = max(found, key=lambda python: python.version)
        raise UnavailableError(
            f"{box.name}: its newest Python is {newest.shown} ({newest.executable}), and XT needs "
            f"{wanted}",
            hint,
        )
    raise UnavailableError(f"{box.name}: it has no Python, and XT needs {wanted}", hint)


def _pythons(lines: list[str]) -> Iterator[Python]:
    seen = set()
    for line in lines:
        if line.startswith(f"{_MARK}{{"):
            python = Python.from_facts(json.loads(line[len(_MARK) :]))
            if python.executable not in seen:
                seen.add(python.executable)
                yield python
