"""Layers: folders of files that are sent to a box once, known by a hash of what is in them."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path

from xt_core.bootstrap.box import digest_of
from xt_core.bootstrap.needs import ROOTS, Find, closure, installed
from xt_core.bootstrap.pythons import Python, own_python, runs_like
from xt_core.bootstrap.wheels import NoWheelError, fetch_wheels, wheel_files

CODE = "xt"
LIBRARY = "lib"
"""Of the code layer: what runs may import too."""
_CONTROLLER = "controller"
_COMPRESSION = 1

Entry = tuple[str, bytes]
"""A file of a layer: its path there, and its content."""


@dataclass(frozen=True)
class Layer:
    """What a layer holds. Files come from `packages` of this machine, where those suit the box;
    what is in `wanted`, requirements with a version each, has to be found for the box."""

    name: str
    digest: str
    paths: tuple[str, ...]
    """The folders in it that Python looks into."""
    packages: list[Distribution] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Packed:
    """A layer as an archive; `left` is what the box has to find itself, `trouble` why."""

    layer: Layer
    archive: Path
    sha256: str
    left: list[str]
    trouble: str = ""

    @property
    def way(self) -> str:
        """How it came about, for the user."""
        layer = self.layer
        if not layer.wanted:
            return "files of this machine"
        count = len(layer.wanted)
        if self.left:
            return f"{count} packages from an index, by the box"
        return f"{count} wheels for the box, fetched here"


def code_layer() -> Layer:
    """XT itself, as it is here."""
    hashes = [(name, hashlib.sha256(data).hexdigest()) for name, data in _code_files()]
    return Layer(CODE, digest_of(CODE, hashes), (LIBRARY, _CONTROLLER))


def package_layers(needs: Sequence[str], python: Python, find: Find = installed) -> list[Layer]:
    """The packages of some needs, for a Python; none stands in two layers."""
    own = own_python()
    tags = python.tags(is_here=runs_like(own, python))
    known: set[str] = set()
    layers = []
    for need in needs:
        found = closure(ROOTS[need], python, find)
        fresh = {name: package for name, package in found.items() if name not in known}
        known |= set(fresh)
        layers.append(_package_layer(need, fresh, tags, python))
    return layers


def _package_layer(
    need: str, packages: Mapping[str, Distribution | None], tags: set[str], python: Python
) -> Layer:
    fitting = [each for each in packages.values() if each is not None and _suits(each, tags)]
    wanted = []
    for name, package in packages.items():
        if package is None:
            wanted.append(name)
        elif package not in fitting:
            wanted.append(f"{name}=={package.version}")
    place = [python.soabi, python.platform, *python.libc] if wanted else []
    records = [(each.name, each.read_text("RECORD")) for each in fitting]
    digest = digest_of(need, records, wanted, place)
    return Layer(need, digest, (".",), fitting, wanted)


def _suits(package: Distribution, tags: set[str]) -> bool:
    """Whether the files of a package that is installed here are good for Pythons of these tags."""
    from packaging.tags import parse_tag

    wheel = package.read_text("WHEEL")
    if wheel is None or package.read_text("RECORD") is None or _is_editable(package):
        return False
    lines = (line.partition(":") for line in wheel.splitlines())
    own = (value.strip() for key, _, value in lines if key == "Tag")
    return any(str(tag) in tags for text in own for tag in parse_tag(text))


def _is_editable(package: Distribution) -> bool:
    return '"editable": true' in (package.read_text("direct_url.json") or "")


def pack(layer: Layer, python: Python, cache: Path, environ: Mapping[str, str]) -> Packed:
    """The layer as an archive in `cache`, made if it is not there."""
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{layer.digest}.tar.gz"
    if archive.exists():
        return Packed(layer, archive, _sha256(archive), [])
    wheels, left, trouble = list[Path](), list[str](), ""
    if layer.wanted:
        kind = f"{python.soabi}-{python.platform}".replace("/", "_")
        try:
            wheels = fetch_wheels(layer.wanted, python, cache / "wheels" / kind, environ)
        except NoWheelError as error:
            left, trouble = layer.wanted, str(error)
            archive = cache / f"{layer.digest}-part.tar.gz"
    files = _code_files() if layer.name == CODE else _package_files(layer.packages, wheels)
    draft = archive.with_suffix(f".{os.getpid()}.new")
    _write_archive(draft, files)
    draft.replace(archive)
    return Packed(layer, archive, _sha256(archive), left, trouble)


def _code_files() -> Iterator[Entry]:
    for folder, package in ((LIBRARY, "xt_core"), (_CONTROLLER, _CONTROLLER)):
        spec = find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations
        root = Path(spec.submodule_search_locations[0])
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{folder}/{package}/{path.relative_to(root).as_posix()}", path.read_bytes()


def _package_files(packages: Iterable[Distribution], wheels: Iterable[Path]) -> Iterator[Entry]:
    for package in packages:
        for file in package.files or []:
            name, path = file.as_posix(), Path(str(file.locate()))
            is_inside = not name.startswith(("..", "/")) and "__pycache__" not in file.parts
            if is_inside and not name.endswith(".pth") and path.is_file():
                yield name, path.read_bytes()
    for wheel in wheels:
        yield from wheel_files(wheel)


def _write_archive(path: Path, files: Iterable[Entry]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=_COMPRESSION) as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
