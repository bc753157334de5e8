"""What a configuration is made of: properties with types and defaults, in sections and tables."""

import re
from dataclasses import dataclass
from enum import Enum, auto

PropertyValue = str | bool | int | float | list[str] | None
"""The value of one property."""

Keys = tuple[str, ...]
"""Where a setting stands: (section, property), (table, entry, property), and so on."""


class Kind(Enum):
    """The type of a property."""

    STRING = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    NUMBER = auto()
    STRINGS = auto()
    MAPPING = auto()


@dataclass(frozen=True, slots=True)
class Property:
    """One property; `default` is not used for a mapping, which starts empty."""

    kind: Kind
    default: PropertyValue
    help: str
    env: str | None = None
    """The environment variable that sets it."""
    option: str | None = None
    """The command option that sets it, where that is not the property's own name."""
    nullable: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    pattern: re.Pattern[str] | None = None
    """What the whole text must match; for a mapping, what each of its names must match."""
    pattern_help: str = ""
    single: bool = False
    """A list that may be written as one string, or as null for the empty list."""
    separator: str = ","
    """What separates the items of a list in an environment variable or on the command line."""


@dataclass(frozen=True, slots=True)
class Section:
    """A fixed set of properties."""

    help: str
    properties: dict[str, Property]


@dataclass(frozen=True, slots=True)
class Table:
    """Named entries that all have the same properties; `predefined` ones have their defaults."""

    help: str
    properties: dict[str, Property]
    predefined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and the layer that gave it; keys of (table, entry) alone declare the entry."""

    keys: Keys
    value: PropertyValue = None
    origin: str = "default"


ELEMENT = Property(Kind.STRING, "", "A value of a mapping.")
