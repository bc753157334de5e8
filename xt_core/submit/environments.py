"""From a setup to what its environment holds: texts only, so that any node can build it.

Requirements files are read at submission: what a job runs in does not change with a later edit.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from xt_core.config import Setup
from xt_core.errors import UsageError

_DIGEST_CHARACTERS = 16
_UV_LOCK = "uv.lock"
_REFERENCE = re.compile(r"(-r|--requirement|-c|--constraint)[\s=]\s*(?P<file>\S+)\s*(#.*)?")
_LOCAL = re.compile(r"(-e|--editable)[\s=]+(?!/|\w+\+)|\.\.?/|\.(\[|\s|$)|\S+\s*@\s*(file:)?\.")
"""What lies where the file lies: `-e .`, `./wheels/a.whl`, `name @ ../name`."""
_CREDENTIALS = re.compile(r"://[^/\s@$]+:[^/\s@$]+@")


@dataclass(frozen=True)
class EnvironmentSpec:
    """What an environment holds. Lists of lines are those of requirements files."""

    setup: str
    """The setup's name, for messages: setups of the same contents share an environment."""
    python: str | None = None
    """A version, as 3.12, or a path on the node; None: the Python that XT runs in there."""
    conda_channels: list[str] = field(default_factory=list)
    conda_packages: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    """Lines that are resolved together."""
    locked: list[list[str]] = field(default_factory=list)
    """The lines of files with hashes, which pip installs apart from those without."""
    constraints: dict[str, str] = field(default_factory=dict)
    """Files that the lines refer to by `-c`, by name."""
    project: dict[str, str] = field(default_factory=dict)
    """uv.lock and its pyproject.toml, by name."""

    @property
    def is_conda(self) -> bool:
        return bool(self.conda_packages)

    @property
    def uses_pip(self) -> bool:
        return bool(self.packages or self.locked)

    def digest(self, place: str) -> str:
        """Names the contents, as built at a place: a kind of machine, and its Python."""
        contents = asdict(replace(self, setup="")) | {"place": place}
        text = json.dumps(contents, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def environment_of(setup: Setup, base: Path) -> EnvironmentSpec | None:
    """The environment of a setup, None where it has none to be built; its files are found from
    `base`. Raises UsageError for a file that cannot be read, or is of no use on another machine."""
    spec = EnvironmentSpec(
        setup.name, setup.python, setup.conda_channels, setup.conda_packages, setup.pip_packages
    )
    _check_lines(spec.packages, f"pip-packages of setup {setup.name}")
    for name in setup.requirements:
        spec = _with_file(spec, base / Path(name).expanduser())
    if spec.is_conda and spec.project:
        raise UsageError(
            f"setup {setup.name} has conda-packages and a uv.lock, which makes an environment of "
            "its own",
            "export the lock: uv export -o requirements.lock",
        )
    if not spec.is_conda:
        spec = replace(spec, conda_channels=[])
    has_contents = spec.is_conda or spec.uses_pip or spec.project or spec.python
    return spec if has_contents else None


def _with_file(spec: EnvironmentSpec, path: Path) -> EnvironmentSpec:
    if path.name == _UV_LOCK:
        project = path.with_name("pyproject.toml")
        return replace(
            spec,
            project={_UV_LOCK: _read(path, spec), project.name: _read(project, spec)},
        )
    constraints = dict(spec.constraints)
    if re.fullmatch(r"pylock(\..+)?\.toml", path.name):
        lines = list(_pylock_lines(_parsed_toml(path, spec), path))
    else:
        lines = list(_lines(path, spec, constraints, ()))
    _check_lines(lines, str(path))
    spec = replace(spec, constraints=constraints)
    if any("--hash" in line for line in lines):
        return replace(spec, locked=[*spec.locked, lines])
    return replace(spec, packages=[*spec.packages, *lines])


def _lines(
    path: Path, spec: EnvironmentSpec, constraints: dict[str, str], including: tuple[Path, ...]
) -> Iterator[str]:
    """The lines of a requirements file, those of the files that it names by `-r` in their
    places."""
    if path in including:
        raise UsageError(f"{path} includes itself", "take out one of the -r lines")
    is_continued = False
    for line in _read(path, spec).splitlines():
        text = line.strip()
        if not is_continued and (not text or text.startswith("#")):
            continue
        is_continued = text.endswith("\\")
        reference = _REFERENCE.fullmatch(text)
        if reference is None:
            yield text
        elif text.startswith(("-r", "--requirement")):
            file = path.parent / reference["file"]
            yield from _lines(file, spec, constraints, (*including, path))
        else:
            yield f"-c {_add_constraints(path.parent / reference['file'], spec, constraints)}"


def _add_constraints(path: Path, spec: EnvironmentSpec, constraints: dict[str, str]) -> str:
    lines = [*_lines(path, spec, constraints, ()), ""]
    name = f"constraints-{len(constraints)}.txt"
    constraints[name] = "\n".join(lines)
    return name


def _pylock_lines(lock: dict[str, Any], path: Path) -> Iterator[str]:
    """The packages of a pylock.toml (PEP 751) as lines with hashes, which pip and uv know alike."""
    for package in lock.get("packages", []):
        name = str(package["name"])
        files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        hashes = sorted({f"{kind}:{h}" for file in files for kind, h in file["hashes"].items()})
        if not hashes or "version" not in package:
            raise UsageError(
                f"{path} locks {name} to what is in no package index",
                "lock a released version of it, or export the lock as a requirements file",
            )
        marker = f" ; {package['marker']}" if package.get("marker") else ""
        yield f"{name}=={package['version']}{marker} " + " ".join(f"--hash={h}" for h in hashes)


def _parsed_toml(path: Path, spec: EnvironmentSpec) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(_read(path, spec))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is no TOML file: {error}", "make the lock anew") from error


def _read(path: Path, spec: EnvironmentSpec) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"cannot read {path} of setup {spec.setup}: {reason}",
            f"make that file, or correct setups.{spec.setup}.requirements: its paths count from "
            "the folder of xt_config.yaml, or from where you are if there is none",
        ) from error


def _check_lines(lines: list[str], where: str) -> None:
    for line in lines:
        if _CREDENTIALS.search(line):
            raise UsageError(
                f"{where} has a URL with a password",
                "write ${NAME} instead: it is taken from the environment of the node",
            )
        if _LOCAL.match(line):
            raise UsageError(
                f"{where} has {line!r}, which a node does not have",
                "the job's own code comes with it; name released packages, URLs or full paths",
            )
