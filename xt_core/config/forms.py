"""The usual forms of properties, each with its default and what is said of it."""

import re

from xt_core.config.properties import Kind, Property

NOT_BLANK = re.compile(r"\s*\S.*", re.DOTALL)


def text(
    default: str | None, about: str, *, env: str | None = None, option: str | None = None
) -> Property:
    """A text that is not blank; null is allowed where it is the default."""
    return Property(
        Kind.STRING,
        default,
        about,
        env=env,
        option=option,
        nullable=default is None,
        pattern=NOT_BLANK,
        pattern_help="some text",
    )


def flag(
    default: bool, about: str, *, env: str | None = None, option: str | None = None
) -> Property:
    """Yes or no."""
    return Property(Kind.BOOLEAN, default, about, env=env, option=option)


def count(default: int | None, about: str, *, least: int = 1, env: str | None = None) -> Property:
    """A whole number that is not below `least`; null is allowed where it is the default."""
    return Property(
        Kind.INTEGER, default, about, env=env, nullable=default is None, minimum=float(least)
    )


def amount(
    default: float, about: str, *, env: str | None = None, option: str | None = None
) -> Property:
    """A number that is not below 0."""
    return Property(Kind.NUMBER, default, about, env=env, option=option, minimum=0.0)


def level(about: str, *, least: float | None = None) -> Property:
    """A number that is null unless it is set."""
    return Property(Kind.NUMBER, None, about, nullable=True, minimum=least)


def texts(default: list[str], about: str, *, env: str | None = None) -> Property:
    """A list of texts."""
    return Property(Kind.STRINGS, default, about, env=env)
