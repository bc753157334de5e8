"""The configuration that results from all layers, and which layer gave each value.

A `Config` is complete and valid: every property of the schema has a value of its type.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from xt_core.config.paths import dotted, nearest, property_at, split
from xt_core.config.properties import Keys, Kind, PropertyValue, Section, Setting, Table
from xt_core.config.schema import SCHEMA
from xt_core.errors import ConfigError, UnknownNameError


@dataclass(frozen=True, slots=True)
class ComputeTarget:
    """Where jobs run."""

    name: str
    service: str
    """"local" or "pool"."""
    nodes: int | None
    """None for one node, or each of the boxes."""
    setup: str | None
    boxes: tuple[str, ...] = ()
    """Those of a pool."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a node is prepared for runs."""

    name: str
    activate: str | None
    python: str | None
    """A version or a path."""
    conda_channels: list[str]
    conda_packages: list[str]
    pip_packages: list[str]
    requirements: list[str]
    """Paths of requirements and lock files."""


@dataclass(frozen=True, slots=True)
class Box:
    """A machine that is a node; `max_runs` None is no limit, `gpus` None is to detect them.

    One without an address is not reached over SSH; `port` counts where the address has none.
    """

    name: str
    max_runs: int | None
    gpus: str | None
    address: str | None = None
    port: int | None = None
    os: str = "linux"
    setup: str | None = None
    actions: tuple[str, ...] = ("data", "model")


class Config:
    """Settings by dotted path; built from layers of settings, of which the later win.

    Lookups raise UnknownNameError for a path that does not exist, typed ones TypeError for a
    property of another type.
    """

    def __init__(self, layers: Iterable[Setting]) -> None:
        merged: dict[Keys, Setting] = {}
        for setting in layers:
            section = SCHEMA[setting.keys[0]]
            if isinstance(section, Table):
                entry = setting.keys[:2]
                for name, declared in section.properties.items():
                    keys = (*entry, name)
                    merged.setdefault(keys, Setting(keys, declared.default))
                if setting.keys == entry:
                    continue
            merged[setting.keys] = setting
        order = {name: position for position, name in enumerate(SCHEMA)}
        self._settings = dict(sorted(merged.items(), key=lambda item: order[item[0][0]]))

    def get(self, path: str) -> Any:
        """The value of a property; a dict for a section, table, entry or mapping."""
        return self._value(self._existing(path))

    def string(self, path: str) -> str:
        """The value of a text property."""
        value = self.get(path)
        return value if isinstance(value, str) else _mismatch(path, value, "text")

    def optional_string(self, path: str) -> str | None:
        """The value of a text property that may be null."""
        return None if self.get(path) is None else self.string(path)

    def integer(self, path: str) -> int:
        """The value of a whole-number property."""
        value = self.get(path)
        return value if type(value) is int else _mismatch(path, value, "a whole number")

    def optional_integer(self, path: str) -> int | None:
        """The value of a whole-number property that may be null."""
        return None if self.get(path) is None else self.integer(path)

    def number(self, path: str) -> float:
        """The value of a number property."""
        value = self.get(path)
        return value if isinstance(value, float) else _mismatch(path, value, "a number")

    def boolean(self, path: str) -> bool:
        """The value of a true-or-false property."""
        value = self.get(path)
        return value if isinstance(value, bool) else _mismatch(path, value, "true or false")

    def strings(self, path: str) -> list[str]:
        """The value of a list property, as a list of the caller's own."""
        value = self.get(path)
        return value if isinstance(value, list) else _mismatch(path, value, "a list")

    def mapping(self, path: str) -> dict[str, str]:
        """The value of a mapping property, as a dict of the caller's own."""
        keys = self._existing(path)
        declared = property_at(keys)
        if declared is None or declared.kind is not Kind.MAPPING:
            raise TypeError(f"{path} is not a mapping of text")
        return {key: str(value) for key, value in self._value(keys).items()}

    def origin(self, path: str) -> str:
        """The layer that gave a value: "default", "FILE:LINE", "environment NAME", "option --NAME".

        For a section, table, entry or mapping: the layers of all its values, without repetition.
        """
        origins = [setting.origin for setting in self._below(self._existing(path))]
        return ", ".join(dict.fromkeys(origins)) or "default"

    def items(self) -> Iterator[tuple[str, Any, str]]:
        """(dotted path, value, origin) of every property; a mapping or table only where empty."""
        for name, section in SCHEMA.items():
            branches: list[Keys] = [(name,)] if isinstance(section, Table) else []
            if isinstance(section, Section):
                branches = [
                    (name, key)
                    for key, declared in section.properties.items()
                    if declared.kind is Kind.MAPPING
                ]
            for setting in self._below((name,)):
                yield dotted(setting.keys), _own(setting.value), setting.origin
            for keys in branches:
                if not self._below(keys):
                    yield dotted(keys), {}, "default"

    def as_dict(self) -> dict[str, Any]:
        """All sections as plain nested data, in the order of the schema."""
        return {name: self._value((name,)) for name in SCHEMA}

    def target(self, name: str | None = None) -> ComputeTarget:
        """A compute target; without a name the one of `xt-services.target`. A box is a target too.

        Raises UnknownNameError when there is none of that name.
        """
        source = ""
        if name is None:
            name = self.string("xt-services.target")
            source = f" (xt-services.target, {self.origin('xt-services.target')})"
        targets: dict[str, dict[str, Any]] = self._value(("compute-targets",))
        boxes: dict[str, dict[str, Any]] = self._value(("boxes",))
        if name in boxes and name not in targets:
            return ComputeTarget(name, "pool", None, None, (name,))
        if name not in targets:
            problem = f"there is no compute target '{name}'{source}"
            raise UnknownNameError(problem, nearest(name, {**targets, **boxes}))
        entry = targets[name]
        boxes_of_pool = tuple(entry["boxes"])
        return ComputeTarget(name, entry["service"], entry["nodes"], entry["setup"], boxes_of_pool)

    def setup(self, name: str) -> Setup:
        """A setup; raises UnknownNameError when there is none of that name."""
        entry = self._entry("setups", name, f"there is no setup '{name}'")
        return Setup(name, **{key.replace("-", "_"): value for key, value in entry.items()})

    def setup_of(self, entry: str) -> Setup | None:
        """The setup that an entry's property `setup` names, as in ``compute-targets.lab``.

        Raises ConfigError, with its place, where there is none of that name.
        """
        name = self.optional_string(f"{entry}.setup")
        try:
            return None if name is None else self.setup(name)
        except UnknownNameError as error:
            place = self.origin(f"{entry}.setup")
            message = f"{place}: {error.message}, which {entry}.setup names"
            raise ConfigError(message, error.hint) from None

    def box(self, name: str) -> Box:
        """A box; raises UnknownNameError when there is none of that name."""
        entry = self._entry("boxes", name, f"there is no box '{name}'")
        return Box(
            name,
            entry["max-runs"],
            entry["gpus"],
            entry["address"],
            entry["port"],
            entry["os"],
            entry["setup"],
            tuple(entry["actions"]),
        )

    def _entry(self, table: str, name: str, problem: str) -> dict[str, Any]:
        entries: dict[str, dict[str, Any]] = self._value((table,))
        if name not in entries:
            raise UnknownNameError(problem, nearest(name, entries))
        return entries[name]

    def _existing(self, path: str) -> Keys:
        keys = split(path)
        declared = property_at(keys)
        is_fixed = len(keys) == 1 or (declared is not None and declared.kind is Kind.MAPPING)
        if not is_fixed and not self._below(keys):
            depth = 1 if isinstance(SCHEMA[keys[0]], Table) else len(keys) - 1
            names = dict.fromkeys(s.keys[depth] for s in self._below(keys[:depth]))
            raise UnknownNameError(f"there is no setting '{path}'", nearest(keys[depth], names))
        return keys

    def _below(self, keys: Keys) -> list[Setting]:
        return [s for s in self._settings.values() if s.keys[: len(keys)] == keys]

    def _value(self, keys: Keys) -> Any:
        exact = self._settings.get(keys)
        if exact is not None:
            return _own(exact.value)
        section = SCHEMA[keys[0]]
        if isinstance(section, Section) and len(keys) == 1:
            return {name: self._value((*keys, name)) for name in section.properties}
        value: dict[str, Any] = {}
        for setting in self._below(keys):
            name = setting.keys[len(keys)]
            if name not in value:
                value[name] = self._value((*keys, name))
        return value


def _own(value: PropertyValue) -> PropertyValue:
    return list(value) if isinstance(value, list) else value


def _mismatch(path: str, value: object, wanted: str) -> Any:
    raise TypeError(f"{path} is {type(value).__name__}, not {wanted}")
