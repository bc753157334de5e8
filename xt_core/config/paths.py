"""Dotted paths such as ``general.workspace``, and the nearest name for one that does not exist.

An entry's name may hold dots, as in ``boxes.gpu1.example.org.max-runs``: the schema tells the parts
apart.
"""

import difflib
from collections.abc import Iterable

from xt_core.config.properties import ELEMENT, Keys, Kind, Property, Section, Table
from xt_core.config.schema import SCHEMA
from xt_core.errors import UnknownNameError


def dotted(keys: Keys) -> str:
    """``general.workspace`` for ("general", "workspace")."""
    return ".".join(keys)


def split(path: str) -> Keys:
    """The keys of a dotted path to a section, entry, property, or name in a mapping.

    Raises UnknownNameError, with the nearest name as hint; an entry's name is not checked.
    """
    name, _, rest = path.partition(".")
    section = SCHEMA.get(name)
    if section is None:
        raise UnknownNameError(f"there is no setting '{path}'", nearest(name, SCHEMA))
    if not rest:
        return (name,)
    if isinstance(section, Section):
        return (name, *_split_property(path, section, rest))
    if isinstance(section, Table):
        entry, _, property_name = rest.rpartition(".")
        return (
            (name, entry, property_name)
            if entry and property_name in section.properties
            else (
                name,
                rest,
            )
        )
    raise UnknownNameError(f"there is no setting '{path}'", f"did you mean '{name}'?")


def _split_property(path: str, section: Section, rest: str) -> Keys:
    property_name, _, key = rest.partition(".")
    declared = section.properties.get(property_name)
    if declared is None:
        raise UnknownNameError(
            f"there is no setting '{path}'", hint_for_property(property_name, section)
        )
    if key and declared.kind is not Kind.MAPPING:
        raise UnknownNameError(
            f"there is no setting '{path}'", f"'{property_name}' has no parts of its own"
        )
    return (property_name, key) if key else (property_name,)


def property_at(keys: Keys) -> Property | None:
    """The property that valid keys lead to; None for a section or an entry."""
    section = SCHEMA[keys[0]]
    if isinstance(section, Property):
        return section
    depth = 1 if isinstance(section, Section) else 2
    if len(keys) <= depth:
        return None
    return ELEMENT if len(keys) > depth + 1 else section.properties[keys[depth]]


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint: the valid name closest to a wrong one, else all of them."""
    names = list(valid)
    close = difflib.get_close_matches(name.lower(), names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"valid names: {', '.join(names)}" if names else "none is defined"


def hint_for_property(name: str, section: Section | Table) -> str:
    """Like `nearest`, for a property, which may be right but in the wrong section."""
    homes = [
        other
        for other, declared in SCHEMA.items()
        if not isinstance(declared, Property) and name in declared.properties
    ]
    if homes:
        return f"'{name}' belongs in {' or '.join(homes)}"
    return nearest(name, section.properties)


def hint_for_section(name: str) -> str:
    """Like `nearest`, for a section, which may be the name of a property."""
    if name not in SCHEMA and any(
        not isinstance(declared, Property) and name in declared.properties
        for declared in SCHEMA.values()
    ):
        return hint_for_property(name, Section("", {}))
    return nearest(name, SCHEMA)
