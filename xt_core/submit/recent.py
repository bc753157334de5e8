"""What was launched lately, and what may be launched from a folder: commands and scripts; and what
those logged."""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from xt_core.model.records import Job, Run

_MOST_FILES = 20_000
_MOST_COMMANDS = 200
_SUFFIXES = (".py", ".sh")
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages"})


def recent_commands(jobs: Sequence[Job]) -> list[str]:
    """The commands of jobs, each once, the newest first."""
    newest = sorted(jobs, key=lambda job: job.created, reverse=True)
    return list(dict.fromkeys(job.command for job in newest if job.command))[:_MOST_COMMANDS]


def scripts(folder: Path, commands: Sequence[str]) -> list[str]:
    """The scripts below a folder, as paths from it: those that `commands` began with, in their
    order, then the others by name. Hidden folders and virtual environments are left out."""
    found = sorted(_below(folder), key=lambda path: (path.count(os.sep), path))
    used = [os.path.normpath(name) for name in map(_first_word, commands) if name]
    lately = [name for name in dict.fromkeys(used) if name in set(found)]
    return [*lately, *(path for path in found if path not in set(lately))]


def script_of(command: str) -> str:
    """The script that a command runs, for `python train.py` as for `train.py`: its first word that
    is named like one, else its first word."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    named = (word for word in words if word.endswith(_SUFFIXES) and not word.startswith("-"))
    script = next(named, next(iter(words), ""))
    return os.path.normpath(script) if script else ""


def metrics_of_scripts(runs: Iterable[Run]) -> dict[str, list[str]]:
    """The metrics that runs logged, by script, in the order of the runs."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        if run.metrics:
            found.setdefault(script_of(run.command), {}).update(dict.fromkeys(run.metrics))
    return {script: list(names) for script, names in found.items()}


def unlogged(metrics: Sequence[str], command: str, logged: Mapping[str, Sequence[str]]) -> str:
    """What to tell of metrics that no earlier run of a command's script logged; nothing where it
    logged them all, or was not run yet."""
    script = script_of(command)
    known = logged.get(script, ())
    missing = [name for name in metrics if name not in known]
    if not known or not missing:
        return ""
    return f"no earlier run of {script} logged {', '.join(missing)}: they logged {', '.join(known)}"


def _first_word(command: str) -> str:
    try:
        return next(iter(shlex.split(command)), "")
    except ValueError:
        return ""


def _below(folder: Path) -> Iterator[str]:
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _is_walked(place, name)]
        for name in files:
            seen += 1
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield os.path.relpath(os.path.join(place, name), folder)
        if seen > _MOST_FILES:
            return


def _is_walked(place: str, name: str) -> bool:
    if name.startswith(".") or name in _LEFT_OUT:
        return False
    return not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))
