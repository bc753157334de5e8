"""Wheels for another Python or another kind of machine, fetched by this machine's pip."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xt_core.bootstrap.pythons import Python


class NoWheelError(Exception):
    """There is none to be had; the text says why."""


def fetch_wheels(
    requirements: Sequence[str], python: Python, folder: Path, environ: Mapping[str, str]
) -> list[Path]:
    """Wheels of exactly these packages, kept in `folder`. Raises NoWheelError."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:", "--dest", str(folder), "--find-links", str(folder)]
    command += ["--implementation", "cp", "--python-version", _dotted(python)]
    short = f"cp{python.version[0]}{python.version[1]}"
    for abi in (short, "abi3", "none"):
        command += ["--abi", abi]
    for platform in (*python.platforms(), "any"):
        command += ["--platform", platform]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    before = {path.name for path in folder.iterdir()}
    done = subprocess.run(
        [*command, *requirements],
        env={**environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
        cwd=os.sep,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NoWheelError(lines[-1].removeprefix("ERROR: ") if lines else "pip failed")
    return _chosen(requirements, folder, before)


def _dotted(python: Python) -> str:
    return f"{python.version[0]}.{python.version[1]}"


def _chosen(requirements: Sequence[str], folder: Path, before: set[str]) -> list[Path]:
    """The wheels that are meant: where one without a version was asked for, the new ones."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name, parse_wheel_filename

    wheels = [(*parse_wheel_filename(path.name)[:2], path) for path in folder.glob("*.whl")]
    chosen = []
    for text in requirements:
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        of_name = [wheel for wheel in wheels if wheel[0] == name]
        fits = [
            (path.name not in before, version, path)
            for _, version, path in of_name
            if wanted.specifier.contains(version, prereleases=True)
        ]
        if not fits:
            raise NoWheelError(f"pip fetched no wheel of {text}")
        chosen.append(max(fits)[2])
    return chosen


def wheel_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """(path in site-packages, content) of a wheel; programs are left out."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            first, _, rest = name.partition("/")
            if first.endswith(".data"):
                kind, _, name = rest.partition("/")
                if kind not in ("purelib", "platlib"):
                    continue
            if not entry.is_dir():
                yield name, archive.read(entry)
