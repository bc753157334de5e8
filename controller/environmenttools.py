"""Which tools of the node build an environment, and the commands that do it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xt_core.submit.environments import EnvironmentSpec

_CONDAS = ("micromamba", "mamba", "conda")
_CONDA_VARIABLES = ("MAMBA_EXE", "CONDA_EXE")
_CONDA_FOLDERS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba")
_PYTHON_NAME = "python"


class SetupError(Exception):
    """The environment could not be built; the text is for the user."""


@dataclass(frozen=True)
class Step:
    """One command of a build."""

    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def tool(self) -> str:
        """What it is called in messages: ``uv pip``, ``micromamba create``."""
        program, *words = self.command
        if words[:1] == ["-m"]:
            return words[1]
        return f"{os.path.basename(program)} {words[0]}"


def build_place(spec: EnvironmentSpec) -> str:
    """What else an environment depends on: the kind of machine, and the Python where the setup
    leaves it to XT."""
    own = (
        "" if spec.python or spec.is_conda else f"python{sys.version_info[0]}.{sys.version_info[1]}"
    )
    return f"{platform.system()}-{platform.machine()} {own}".strip()


class Tools:
    """The programs of a node, as found by a PATH and in the places where they are installed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        home = Path(environ.get("HOME") or Path.home())
        self._home = home
        own = [home / ".local/bin", home / ".cargo/bin"]
        self._path = os.pathsep.join([environ.get("PATH", os.defpath), *map(str, own)])

    @property
    def uv(self) -> str | None:
        return shutil.which("uv", path=self._path)

    @property
    def conda(self) -> str | None:
        """micromamba, mamba or conda."""
        for variable in _CONDA_VARIABLES:
            program = self._environ.get(variable)
            if program and os.access(program, os.X_OK):
                return program
        places = (str(root / name / "bin") for root in (self._home, Path("/opt"))
                  for name in (*_CONDA_FOLDERS, "conda"))  # fmt: skip
        path = os.pathsep.join([self._path, *places])
        return next(filter(None, (shutil.which(name, path=path) for name in _CONDAS)), None)

    def python(self, wanted: str | None) -> str:
        """A Python of a version, or at a path. Raises SetupError where there is none."""
        if wanted is None:
            return getattr(sys, "_base_executable", None) or sys.executable
        if "/" in wanted:
            path = os.path.expanduser(wanted)
            if os.access(path, os.X_OK):
                return path
            raise SetupError(f"there is no Python at {wanted} on this node")
        version = wanted.removeprefix(_PYTHON_NAME)
        installed = shutil.which(f"{_PYTHON_NAME}{version}", path=self._path)
        candidates = [installed] if installed else []
        for python in (*candidates, *self._managed_pythons(version)):
            if _works(python):
                return python
        raise SetupError(
            f"there is no Python {version} on this node; install it, or uv, which brings it"
        )

    def python_for_uv(self, wanted: str | None) -> str:
        """The same, or a version that the node does not have and uv may fetch."""
        try:
            return self.python(wanted)
        except SetupError:
            if wanted is None or "/" in wanted:
                raise
            return wanted

    def _managed_pythons(self, version: str) -> Iterator[str]:
        """What pyenv and uv have installed, the newest first."""
        for folder, pattern in (
            (self._home / ".pyenv/versions", f"{version}*"),
            (self._home / ".local/share/uv/python", f"cpython-{version}*"),
        ):
            for root in sorted(folder.glob(pattern), key=_by_numbers, reverse=True):
                rest = root.name.partition(version)[2]
                python = root / "bin" / _PYTHON_NAME
                if not rest[:1].isdigit() and os.access(python, os.X_OK):
                    yield str(python)


def _works(python: str) -> bool:
    """Whether it is a Python: a shim may stand there for one that is not installed."""
    command = [python, "-c", ""]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _by_numbers(path: Path) -> list[int]:
    return [int("".join(filter(str.isdigit, part)) or 0) for part in path.name.split(".")]


def build_steps(spec: EnvironmentSpec, folder: Path, prefix: Path, tools: Tools) -> list[Step]:
    """The commands that make the environment at `prefix`, from files that `write_inputs` laid
    into `folder`; may try a Python. Raises SetupError where the node has no tool for it."""
    python = str(prefix / "bin" / _PYTHON_NAME)
    if spec.is_conda:
        steps = [_conda_step(spec, prefix, tools)]
    elif spec.project:
        steps = [_project_step(spec, folder, prefix, tools)]
    elif tools.uv is not None:
        wanted = tools.python_for_uv(spec.python)
        steps = [Step([tools.uv, "venv", "--no-project", "--python", wanted, str(prefix)])]
    else:
        steps = [Step([tools.python(spec.python), "-m", "venv", str(prefix)])]
    return [*steps, *_pip_steps(spec, folder, python, tools)]


def _conda_step(spec: EnvironmentSpec, prefix: Path, tools: Tools) -> Step:
    program = tools.conda
    if program is None:
        raise SetupError(
            "conda-packages need micromamba, mamba or conda, and this node has none of them"
        )
    packages = list(spec.conda_packages)
    has_python = any(_package_name(package) == _PYTHON_NAME for package in packages)
    if spec.python and not has_python:
        packages.append(f"{_PYTHON_NAME}={spec.python}")
    elif spec.uses_pip and not has_python:
        packages.append(_PYTHON_NAME)
    if spec.uses_pip:
        packages.append("pip")
    channels = [f"--channel={channel}" for channel in spec.conda_channels]
    command = [program, "create", "--yes", "--prefix", str(prefix), "--override-channels"]
    return Step([*command, *channels, *packages])


def _package_name(package: str) -> str:
    return package.rpartition("::")[2].split("=")[0].split(" ")[0].rstrip("<>!~")


def _project_step(spec: EnvironmentSpec, folder: Path, prefix: Path, tools: Tools) -> Step:
    if tools.uv is None:
        raise SetupError(
            "a uv.lock needs uv, which this node does not have; install it there, or export the "
            "lock: uv export -o requirements.lock"
        )
    command = [tools.uv, "sync", "--project", str(folder), "--frozen", "--no-dev"]
    command += ["--no-install-project", "--no-install-workspace"]
    command += ["--python", tools.python_for_uv(spec.python)] if spec.python else []
    return Step(command, {"UV_PROJECT_ENVIRONMENT": str(prefix)})


def _pip_steps(spec: EnvironmentSpec, folder: Path, python: str, tools: Tools) -> Iterator[Step]:
    install = [python, "-m", "pip", "install"]
    if tools.uv is not None:
        install = [tools.uv, "pip", "install", "--python", python]
    for name in _requirement_files(spec):
        yield Step([*install, "-r", str(folder / name)])


def _requirement_files(spec: EnvironmentSpec) -> dict[str, list[str]]:
    files = {f"locked-{index}.txt": lines for index, lines in enumerate(spec.locked)}
    return files | ({"packages.txt": spec.packages} if spec.packages else {})


def write_inputs(spec: EnvironmentSpec, folder: Path) -> None:
    """Lay out the files that the steps read."""
    files = {name: "\n".join([*lines, ""]) for name, lines in _requirement_files(spec).items()}
    for name, text in (files | spec.constraints | spec.project).items():
        (folder / name).write_text(text, encoding="utf-8")


def tool_environment(environ: Mapping[str, str], mark: str) -> dict[str, str]:
    """What the tools see: no other environment that happens to be active, and the mark of the
    build, by which what a killed controller left is found."""
    foreign = ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONPATH", "PYTHONHOME")
    kept = {name: value for name, value in environ.items() if name not in foreign}
    name, _, value = mark.partition("=")
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONUNBUFFERED": "1"}
    return kept | quiet | {name: value}
