"""Installing XT on a box: whatever is not there yet, and nothing else."""

import contextlib
import fcntl
import json
import shlex
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from xt_core.bootstrap.box import Box, BoxPython, answer_of, digest_of
from xt_core.bootstrap.layers import CODE, Layer, Packed, code_layer, pack, package_layers
from xt_core.bootstrap.needs import Find, installed
from xt_core.bootstrap.pythons import Python, find_python
from xt_core.errors import UnavailableError
from xt_core.nodes.limits import NO_LIMITS, Limits
from xt_core.services.stores import StoreAccess

_TRIES = 3
_NO_PROGRAM = (126, 127)
"""What a shell says where a program is not there, or is a link to one that is not."""


@dataclass(frozen=True)
class Progress:
    """How far an installation is. `total_bytes` is 0 where nothing is sent just now."""

    what: str
    done_bytes: int = 0
    total_bytes: int = 0


class NotInstalledError(UnavailableError):
    """The box does not have the installation, or no more."""


Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Installation:
    """XT on a box."""

    box: Box
    name: str
    """Of its version: a hash of the contents, and of the Python."""
    root: str
    """The XT_HOME of the box."""
    python: Python
    ways: dict[str, str]
    """How those layers came there that were not there, by their names."""
    sent_bytes: int

    @property
    def program(self) -> str:
        """The Python that has XT, on the box."""
        return f"{self.root}/versions/{self.name}/bin/python"

    def start_controller(
        self, node: str, team: str, access: StoreAccess, limits: Limits = NO_LIMITS
    ) -> "Started":
        """Have a controller of this installation serve a node of the box, detached: returns once
        it answers. One of an older or another installation is replaced, and its runs live on.

        Raises NotInstalledError where this installation was removed, UnavailableError where the
        controller cannot be started, and RefusedError where a newer XT is at work there.
        """
        command = [self.program, "-I", "-m", "xt_core.bootstrap.starting", self.root]
        command += ["--node", node, "--team", team, "--limits", limits.to_json()]
        is_its_home = f'test "${{XT_HOME:-$HOME/.xt}}" = {shlex.quote(self.root)} || exit 127; '
        line = f"{is_its_home}exec {shlex.join(command)}"
        done = self.box.run(shlex.join(["sh", "-c", line]), access.to_json().encode(), seconds=None)
        if done.exit_code in _NO_PROGRAM:
            raise NotInstalledError(f"{self.box.name}: XT {self.name} is not there", "try again")
        answer = answer_of(self.box, done)
        return Started(self, answer["socket"], answer["place"], answer["log"])


@dataclass(frozen=True)
class Started:
    """A controller on a box."""

    installation: Installation
    socket: str
    """The path of its socket there."""
    place: str
    """Its `Home.place`."""
    log: str
    """The path of its log there."""


def install(
    box: Box,
    needs: Sequence[str],
    cache: Path,
    environ: Mapping[str, str],
    told: Told = lambda _: None,
    find: Find = installed,
) -> Installation:
    """Have XT on a box, with the packages for some `needs.needs_of`.

    Archives are kept in `cache`. Again does no harm, at the same time neither. Raises
    UnavailableError and RefusedError, with the box's name.
    """
    python, root = find_python(box)
    layers = [code_layer(), *package_layers(needs, python, find)]
    return _Installer(box, python, root, layers, cache, environ, told).install()


def ensure_controller(
    box: Box,
    needs: Sequence[str],
    cache: Path,
    environ: Mapping[str, str],
    *,
    node: str,
    team: str,
    access: StoreAccess,
    limits: Limits = NO_LIMITS,
    told: Told = lambda _: None,
) -> Started:
    """Have a controller of this XT on a box, installed there if need be: for one that is prepared,
    by one command. See `install` and `Installation.start_controller` for the errors."""
    start = (node, team, access, limits)
    known = _known_file(cache, box.name)
    remembered = _remembered(known)
    if remembered is not None:
        python, root = remembered
        layers = [code_layer(), *package_layers(needs, python)]
        found = Installation(box, _version_name(python, layers), root, python, {}, 0)
        with contextlib.suppress(NotInstalledError):
            return found.start_controller(*start)
    made = install(box, needs, cache, environ, told)
    started = made.start_controller(*start)
    _remember(known, made)
    return started


def remembered_python(box: str, cache: Path) -> Python | None:
    """The Python that a box of that name had when XT was last installed there."""
    remembered = _remembered(_known_file(cache, box))
    return None if remembered is None else remembered[0]


def layer_digests(needs: Sequence[str], python: Python) -> frozenset[str]:
    """The digests of the layers that a box with that Python needs."""
    return frozenset(layer.digest for layer in (code_layer(), *package_layers(needs, python)))


def _known_file(cache: Path, box: str) -> Path:
    return cache / "boxes" / f"{digest_of(box)}.json"


def _remembered(known: Path) -> tuple[Python, str] | None:
    """The Python that a box of that name had, and its XT_HOME: it may be another box by now, and
    then they are not there."""
    try:
        record = json.loads(known.read_text(encoding="utf-8"))
        return Python.from_facts(record["python"]), str(record["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(known: Path, made: Installation) -> None:
    known.parent.mkdir(parents=True, exist_ok=True)
    draft = known.with_suffix(f".{uuid.uuid4().hex}.new")
    draft.write_text(json.dumps({"python": asdict(made.python), "root": made.root}))
    draft.replace(known)


def _version_name(python: Python, layers: Sequence[Layer]) -> str:
    return digest_of(python.executable, python.version, [layer.digest for layer in layers])


class _Installer:
    def __init__(
        self,
        box: Box,
        python: Python,
        root: str,
        layers: list[Layer],
        cache: Path,
        environ: Mapping[str, str],
        told: Told,
    ) -> None:
        self._box, self._python, self._root = box, python, root
        self._layers, self._cache, self._environ, self._told = layers, cache, environ, told
        self._there = BoxPython(box, python.executable, root)
        self._name = _version_name(python, layers)
        self._ways: dict[str, str] = {}
        self._sent_bytes = 0

    def install(self) -> Installation:
        with _one_at_a_time(self._cache) as client:
            archives = {layer.digest: f"{layer.digest}-{client}.tar.gz" for layer in self._layers}
            for _ in range(_TRIES):
                found = self._there.call("survey", version=self._name, archives=archives)
                if found["is_there"]:
                    break
                for layer in self._layers:
                    if layer.digest in found["missing"]:
                        self._bring(layer, archives[layer.digest], found)
                if self._link():
                    self._there.call("prune", version=self._name)
                    break
            else:
                raise UnavailableError(
                    f"{self._box.name}: what was installed there was removed at once",
                    "see what else works in its folder of XT",
                )
        return Installation(
            self._box, self._name, self._root, self._python, self._ways, self._sent_bytes
        )

    def _bring(self, layer: Layer, archive: str, found: Mapping[str, dict[str, int]]) -> None:
        self._told(Progress(f"packing {layer.name}"))
        packed = pack(layer, self._python, self._cache, self._environ)
        target = f"{found['uploads']}/{archive}"
        offset = found["missing"][layer.digest]
        for _ in range(_TRIES):
            self._send(packed, target, offset)
            self._told(Progress(f"unpacking {layer.name}"))
            if self._unpack(packed, archive) != "changed":
                self._ways[layer.name] = packed.way
                return
            offset = 0
        raise UnavailableError(
            f"{self._box.name}: {layer.name} arrives there changed",
            "see whether the connection or the disk is sound",
        )

    def _send(self, packed: Packed, target: str, offset: int) -> None:
        total = packed.archive.stat().st_size
        offset = offset if offset <= total else 0
        before = offset

        def told(done: int) -> None:
            self._told(Progress(f"sending {packed.layer.name}", done, total))

        self._there.send(packed.archive, target, offset, told)
        self._sent_bytes += total - before

    def _unpack(self, packed: Packed, archive: str) -> str:
        layer = packed.layer
        arguments = {"archive": archive, "sha256": packed.sha256, "install": packed.left}
        try:
            return str(self._there.call("unpack", layer=layer.digest, **arguments))
        except UnavailableError as error:
            if not packed.left:
                raise
            raise UnavailableError(
                f"{error.message}; and here: {packed.trouble}",
                f"{self._python.shown} is not like the Python here: install one of this version "
                "there, or let one of the two reach a package index",
            ) from error

    def _link(self) -> bool:
        paths = [f"{layer.digest}/{path}" for layer in self._layers for path in layer.paths]
        record = {
            "layers": [layer.digest for layer in self._layers],
            "names": [layer.name for layer in self._layers],
            "library": f"{self._root}/layers/{self._layers[0].digest}/lib",
        }
        assert self._layers[0].name == CODE
        return bool(self._there.call("link", version=self._name, paths=paths, record=record))


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[str]:
    """Processes of this machine do not send the same twice at a time; the name of its uploads, by
    which they are resumed."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "client").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        name = file.read()
        if not name:
            name = uuid.uuid4().hex[:12]
            file.write(name)
            file.flush()
        yield name
