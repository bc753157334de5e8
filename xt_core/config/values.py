"""Whether a value suits its property, and what a text means as one.

Every function raises ValueError with a phrase such as ``must be true or false, not 'maybe'``, to
which the caller adds the place.
"""

import math
from collections.abc import Sequence

from xt_core.config.properties import Kind, Property, PropertyValue

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NULL = frozenset({"null", "~", ""})
_LONGEST_SHOWN = 60


def expected(declared: Property) -> str:
    """What a property takes: ``a whole number of at least 1 or null``."""
    options = list(declared.choices) if declared.choices else [_expected_kind(declared)]
    if declared.nullable or declared.single:
        options.append("null")
    return " or ".join(filter(None, [", ".join(options[:-1]), options[-1]]))


def _expected_kind(declared: Property) -> str:
    match declared.kind:
        case Kind.BOOLEAN:
            return "true or false"
        case Kind.INTEGER | Kind.NUMBER:
            what = "a whole number" if declared.kind is Kind.INTEGER else "a number"
            return what if declared.minimum is None else f"{what} of at least {declared.minimum:g}"
        case Kind.STRINGS:
            return "text, a list of text" if declared.single else "a list of text"
        case Kind.MAPPING:
            return "a mapping of names to text"
        case Kind.STRING:
            return declared.pattern_help or "text"


def wrong(declared: Property, shown: str) -> ValueError:
    """The error for a value that a property does not take."""
    return ValueError(f"must be {expected(declared)}, not {shown}")


def quoted(text: str) -> str:
    """A user's text as errors show it, cut short."""
    cut = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    return f"'{cut}'"


def parse_text(declared: Property, text: str) -> PropertyValue:
    """What an environment variable or a command argument means; lists are ``a,b`` or ``[a, b]``."""
    if declared.kind is Kind.STRINGS:
        if declared.single and text.strip().lower() in _NULL:
            return []
        return _parse_list(declared, text)
    if declared.nullable and text.strip().lower() in _NULL:
        return None
    return parse_scalar(declared, text)


def parse_scalar(declared: Property, text: str) -> PropertyValue:
    """What the text of one scalar means for a property that is neither list nor mapping."""
    match declared.kind:
        case Kind.STRING:
            return _checked_string(declared, text)
        case Kind.BOOLEAN:
            word = text.strip().lower()
            if word not in _TRUE | _FALSE:
                raise wrong(declared, quoted(text))
            return word in _TRUE
        case Kind.INTEGER:
            return _parse_number(declared, text, int)
        case Kind.NUMBER:
            return _parse_number(declared, text, float)
        case Kind.STRINGS if declared.single:
            return [text]
        case _:
            raise wrong(declared, quoted(text))


def check(declared: Property, value: object) -> PropertyValue:
    """A value given by a program; a text is parsed where the property is not text itself."""
    if isinstance(value, str):
        is_text = declared.kind is Kind.STRING
        return parse_scalar(declared, value) if is_text else parse_text(declared, value)
    if value is None and declared.nullable:
        return None
    match declared.kind:
        case Kind.BOOLEAN if isinstance(value, bool):
            return value
        case Kind.INTEGER if isinstance(value, int) and not isinstance(value, bool):
            return _parse_number(declared, str(value), int)
        case Kind.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
            return _parse_number(declared, str(value), float)
        case Kind.STRINGS if isinstance(value, Sequence) and not isinstance(value, bytes):
            if all(isinstance(item, str) for item in value):
                return list(value)
    raise wrong(declared, repr(value))


def _checked_string(declared: Property, text: str) -> str:
    if declared.choices and text not in declared.choices:
        raise wrong(declared, quoted(text))
    if declared.pattern is not None and not declared.pattern.fullmatch(text):
        raise wrong(declared, quoted(text))
    return text


def _parse_number(declared: Property, text: str, convert: type[int] | type[float]) -> int | float:
    try:
        number = convert(text)
        fits = math.isfinite(number) and (declared.minimum is None or number >= declared.minimum)
    except (ValueError, OverflowError):
        fits = False
    if not fits:
        raise wrong(declared, quoted(text))
    return number


def _parse_list(declared: Property, text: str) -> list[str]:
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        import yaml

        try:
            items = yaml.load(bare, Loader=yaml.BaseLoader)  # BaseLoader: every scalar is text
        except yaml.YAMLError:
            raise wrong(declared, quoted(text)) from None
        if not all(isinstance(item, str) for item in items):
            raise wrong(declared, quoted(text))
        return list(items)
    return [item.strip() for item in text.split(declared.separator) if item.strip()]
