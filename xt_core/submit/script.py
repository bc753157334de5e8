"""From what the user typed to what a node runs: which program, and which folder is the code's."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from xt_core.errors import UsageError

_SHELL_VARIABLES = (
    "PATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
)


@dataclass(frozen=True)
class Script:
    """A resolved command. `argv` runs in the working directory of the code; `folder` is
    ``$scriptdir``."""

    argv: list[str]
    folder: Path


@dataclass(frozen=True)
class CodeLayout:
    """How files of the user's machine are named in the snapshot."""

    base: Path
    """The current directory of the submission."""
    code_dirs: list[str]
    working_dir: str
    uploaded: bool
    """Without a snapshot, scripts are run where they lie."""
    is_prepared: bool = False
    """A setup, or another machine, may have programs that this one does not have."""

    def name_of(self, path: Path) -> str:
        """The file's path as seen from the run's working directory."""
        if not self.uploaded:
            return os.fspath(path)
        script_dir_is_root = any(
            entry.partition("::")[0] in ("$scriptdir/**", "$scriptdir") and "::" not in entry
            for entry in self.code_dirs
        )
        root = path.parent if script_dir_is_root else self.base
        name = os.path.relpath(path, root)
        return os.path.relpath(name, self.working_dir)


def shell_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the submitting shell a run on this machine gets: the environment it has active."""
    return {name: environ[name] for name in _SHELL_VARIABLES if name in environ}


def python_command(environ: Mapping[str, str], *, activated: bool, elsewhere: bool = False) -> str:
    """The Python for scripts: that of the active environment, else the one XT itself runs in;
    `elsewhere`, on a machine that is not this one, the one that its user has."""
    if elsewhere:
        return "python3"
    if activated:
        return "python"
    if environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX"):
        return shutil.which("python", path=environ.get("PATH")) or sys.executable
    return sys.executable


def resolve(
    command: list[str], layout: CodeLayout, environ: Mapping[str, str], python: str
) -> Script:
    """What to execute for a command line. Raises UsageError if there is no such script."""
    if not command or not command[0]:
        raise UsageError("there is no script to run", "as in: xt run train.py --lr=0.1")
    name, arguments = command[0], command[1:]
    path = Path(os.path.normpath(layout.base / name))
    if path.is_dir():
        raise UsageError(f"{name} is a folder, not a script", "name a file in it")
    if path.is_file() and not _is_program(path, layout.base, environ):
        return Script([*_interpreter(path, layout, python), *arguments], path.parent)
    program = shutil.which(name, path=environ.get("PATH", os.defpath))
    if program is None and (not layout.is_prepared or "/" in name or Path(name).suffix):
        raise _no_such_script(name, path)
    return Script(command, layout.base)


def _is_program(path: Path, base: Path, environ: Mapping[str, str]) -> bool:
    """Whether it is installed software (in a folder of PATH), not the user's own code."""
    if path.is_relative_to(base):
        return False
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.fspath(path.parent) in folders


def _interpreter(path: Path, layout: CodeLayout, python: str) -> list[str]:
    name = layout.name_of(path)
    if name.startswith("-"):  # no option of the interpreter
        name = os.path.join(".", name)
    if path.suffix == ".py":
        return [python, "-u", name]
    if path.suffix == ".sh":
        return ["bash", name]
    if not os.access(path, os.X_OK):
        raise UsageError(f"{path} is not executable", f"chmod +x {path}, or name its interpreter")
    return [name if os.path.dirname(name) else os.path.join(".", name)]


def _no_such_script(name: str, path: Path) -> UsageError:
    try:
        near = get_close_matches(path.name, os.listdir(path.parent), n=1)
    except OSError:
        near = []
    folder = os.path.dirname(name)
    hint = f"did you mean {os.path.join(folder, near[0])}?" if near else f"looked at {path}"
    return UsageError(f"there is no script or program {name}", hint)
