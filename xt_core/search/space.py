"""The one grammar of search spaces, for command lines, YAML files and forms alike.

    values       = "[" item {"," item} "]"  |  "[" "$" name "(" [item {"," item}] ")" "]"
    item         = bare text  |  quoted text

Invariant: `parse_values(name, distribution.describe())` gives the same distribution again.
Everything wrong is a UsageError that names the parameter, what was written, and a valid form.
"""

import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.distributions import (
    NUMERIC_FORMS,
    Choice,
    Discrete,
    Distribution,
    Number,
)
from xt_core.search.values import FLOAT, Item, parse_value, render_value, split_items

CHOICE_USAGE = "$choice(a, b, …)"
FORM_NAMES = (*NUMERIC_FORMS, "choice")
BARE_FORMS = frozenset(f"${form_name}" for form_name in FORM_NAMES)
CALL = re.compile(r"\$(\w+)\s*\((.*)\)", re.DOTALL)
CALL_START = re.compile(r"\$\w+\s*\(")
FORGOTTEN_DOLLAR = re.compile(rf"(?:{'|'.join(FORM_NAMES)})\s*\(.*\)", re.DOTALL)
VALUES_HINT = "write values as [0.01, 0.03] or ['a, b', c], or a distribution as [$uniform(0, 1)]"


class Space(Mapping[str, Distribution]):
    """The parameters of a search and their distributions, in the order they were given."""

    def __init__(self, distributions: Mapping[str, Distribution] | None = None) -> None:
        self._distributions = dict(distributions or {})

    def __getitem__(self, name: str) -> Distribution:
        return self._distributions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._distributions)

    def __len__(self) -> int:
        return len(self._distributions)

    def __repr__(self) -> str:
        return f"Space({self.describe()!r})"

    @property
    def size(self) -> int | None:
        """How many different combinations there are; None if a parameter has no listed values."""
        if all(isinstance(distribution, Discrete) for distribution in self.values()):
            return self.grid_size
        return None

    @property
    def grid_size(self) -> int:
        """How many combinations the parameters with listed values have; 1 if there are none."""
        return math.prod(len(d.values) for d in self.values() if isinstance(d, Discrete))

    def describe(self) -> dict[str, str]:
        """Each parameter's distribution in the grammar; `from_object` reads it back."""
        return {name: distribution.describe() for name, distribution in self.items()}

    @classmethod
    def from_object(cls, section: object) -> "Space":
        """The space of a mapping such as the `hparams` section of a YAML file.

        Raises UsageError.
        """
        if not isinstance(section, Mapping):
            raise UsageError(
                "the hyperparameters are not a mapping of names to values",
                "write one parameter a line, as in lr: [0.01, 0.03]",
            )
        for name in section:
            if not isinstance(name, str) or not name:
                raise UsageError(
                    f"the hyperparameter name {name!r} is not text",
                    "put the name in quotes: YAML reads on, no and 1 as something else",
                )
        return cls({name: from_object(name, value) for name, value in section.items()})


def parse_values(name: str, text: str) -> Distribution:
    """The distribution written as `[value, …]` or `[$distribution(…)]`. Raises UsageError."""
    stripped = text.strip()
    if len(stripped) < 2 or stripped[0] != "[" or stripped[-1] != "]":
        raise _error(name, "the values are not in square brackets", text, VALUES_HINT)
    body = stripped[1:-1].strip()
    if not body:
        raise _error(name, "no values", text, VALUES_HINT)
    try:
        items = split_items(body)
    except ValueError as error:
        hint = "put text with commas, quotes or brackets in quotes: ['a, b', \"it's\"]"
        raise _error(name, str(error), text, hint) from error
    call = None if items[0].quoted else CALL.fullmatch(items[0].text)
    if call is not None and len(items) == 1:
        return _parse_call(name, call[1], call[2], text)
    for item in items:
        _check_listed(name, item, text, alone=len(items) == 1)
    return Choice(tuple(item.value for item in items))


def from_object(name: str, written: object) -> Distribution:
    """The distribution of an object as YAML or JSON gives it. Raises UsageError.

    A list holds the choices, a scalar is the only choice; a string may also be `$uniform(0, 1)` or
    `[…]`. YAML splits an unquoted `[$uniform(0, 1)]` at its comma: that is mended here.
    """
    if isinstance(written, list | tuple):
        if not written:
            raise _error(name, "no values", "[]", VALUES_HINT)
        first = written[0]
        if isinstance(first, str) and CALL_START.match(first):
            pieces = (render_value(_scalar(name, piece)) for piece in written)
            return parse_values(name, f"[{', '.join(pieces)}]")
        return Choice(tuple(_scalar(name, item) for item in written))
    if written is None:
        raise _error(name, "no values", "", VALUES_HINT)
    if isinstance(written, str):
        text = written.strip()
        if text.startswith("[") and text.endswith("]"):
            return parse_values(name, text)
        if CALL_START.match(text) or text in BARE_FORMS:
            return parse_values(name, f"[{text}]")
    return Choice((_scalar(name, written),))


def _scalar(name: str, written: object) -> Value:
    """A YAML scalar as the same text on a command line would be read."""
    if written is None:
        return "null"
    if isinstance(written, str):
        # YAML 1.1 takes 1e-3, which has no point, for text.
        return parse_value(written) if FLOAT.fullmatch(written) else written
    if isinstance(written, bool):
        return written
    if isinstance(written, int):
        return parse_value(str(written))
    if isinstance(written, float):
        return written if math.isfinite(written) else str(written)
    raise _error(
        name, f"{type(written).__name__} is not a value", repr(written), "put it in quotes"
    )


def _parse_call(name: str, form_name: str, arguments: str, text: str) -> Distribution:
    if form_name not in FORM_NAMES:
        near = get_close_matches(form_name.lower(), FORM_NAMES, n=1)
        hint = (
            f"did you mean {_usage(near[0])}?"
            if near
            else f"the distributions are {', '.join(sorted(FORM_NAMES))}"
        )
        raise _error(name, f"unknown distribution ${form_name}", text, hint)
    try:
        items = split_items(arguments) if arguments.strip() else []
        if form_name == "choice":
            return Choice(tuple(item.value for item in items))
        form = NUMERIC_FORMS[form_name]
        if len(items) not in form.counts:
            raise ValueError(f"${form_name} with {len(items)} arguments")
        return form.build([_number(item) for item in items])
    except ValueError as error:
        raise _error(name, str(error), text, f"write it as {_usage(form_name)}") from error


def _number(item: Item) -> Number:
    value = item.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{item.text!r} is not a number")
    return value


def _check_listed(name: str, item: Item, text: str, alone: bool) -> None:
    """Refuse what is most likely a distribution gone wrong rather than a value."""
    if item.quoted:
        return
    if CALL.fullmatch(item.text):
        raise _error(name, f"{item.text} beside other values", text, "a distribution stands alone")
    if item.text in BARE_FORMS:
        raise _error(name, "no parentheses", text, f"write it as {_usage(item.text[1:])}")
    if FORGOTTEN_DOLLAR.fullmatch(item.text):
        hint = f"write [${item.text}] for the distribution, or ['{item.text}'] for the text"
        raise _error(name, "a distribution without its $", text, hint)
    if alone and item.text.startswith("(") and item.text.endswith(")"):
        hint = (
            "a shell takes $name out of double quotes: put the argument in single quotes; "
            f"for the text, write ['{item.text}']"
        )
        raise _error(name, "a distribution without its name", text, hint)


def _usage(form_name: str) -> str:
    usages = (CHOICE_USAGE,) if form_name == "choice" else NUMERIC_FORMS[form_name].usages
    return " or ".join(f"[{usage}]" for usage in usages)


def _error(name: str, what: str, written: str, hint: str) -> UsageError:
    place = f", in {written!r}" if written else ""
    return UsageError(f"hyperparameter {name}: {what}{place}", hint)
