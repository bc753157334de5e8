"""XT's own options where the script's are expected: behind the script they steer nothing.

Names that many scripts have too (`--seed`) tell nothing, nor does an option that the script's text
mentions: it is its own.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from xt_core.errors import UsageError
from xt_core.submit.command import END_OF_OPTIONS
from xt_core.submit.options import RUN_OPTIONS
from xt_core.submit.recent import script_of

DRY_RUN = "dry-run"
_OF_THE_COMMAND = (DRY_RUN, "attach", "wait", "json", "preset")
_OFTEN_OF_SCRIPTS = frozenset(
    ("seed", "env", "tags", "description", "experiment", "workspace", "target", "nodes", "setup")
)
_OWN = frozenset({option.name for option in RUN_OPTIONS} | {*_OF_THE_COMMAND}) - _OFTEN_OF_SCRIPTS
_LONGEST_SCRIPT = 1 << 20


def misplaced_options(command: Sequence[str], folder: Path) -> list[str]:
    """The options of XT among the arguments of a command that is run from `folder`, each once."""
    end = command.index(END_OF_OPTIONS) if END_OF_OPTIONS in command else len(command)
    names = [word[2:].partition("=")[0] for word in command[1:end] if word.startswith("--")]
    found = [name for name in dict.fromkeys(names) if name in _OWN]
    text = _script_text(command, folder) if found else ""
    return [name for name in found if name not in text and name.replace("-", "_") not in text]


def misplaced_doubts(command: Sequence[str], folder: Path) -> list[str]:
    """What to tell of them, in a line."""
    found = misplaced_options(command, folder)
    if not found:
        return []
    told = ", ".join(f"--{name}" for name in found)
    return [f"{command[0]} is given {told}: XT's options come before the script"]


def refuse_dry_run(command: Sequence[str], folder: Path) -> None:
    """Raises UsageError for a command that is run in earnest though it should be shown only."""
    if DRY_RUN in misplaced_options(command, folder):
        raise UsageError(
            f"--{DRY_RUN} stands behind {command[0]}, where it is for the script: XT would run it",
            f"xt run --{DRY_RUN} … {command[0]} …; --raw-args if the script is to have it",
        )


def _script_text(command: Sequence[str], folder: Path) -> str:
    """The script, where it can be read as a text of no exceptional size."""
    path = folder / script_of(shlex.join(command[:3]))
    try:
        if path.is_file() and path.stat().st_size <= _LONGEST_SCRIPT:
            return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        pass
    return ""
