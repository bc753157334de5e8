"""What was launched lately, and what may be launched from a folder: commands and scripts."""

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from xt_core.model.records import Job

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
