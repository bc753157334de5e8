"""The one grammar of search spaces, for command lines, YAML files and forms alike.

    values       = "[" item {"," item} "]"  |  "[" "$" name "(" [item {"," item}] ")" "]"
    item         = bare text  |  quoted text

and, of the objects that YAML and JSON give,

    section      = mapping of name to (values | list | scalar | parameter | section)
    parameter    = mapping {values: values | list | scalar, when: mapping of name to list | scalar}

where the names of a section within a section are joined by dots.

Invariant: `parse_values(name, distribution.describe())` gives the same distribution again, and
`Space.from_object(space.describe())` the same space. Everything wrong is a UsageError that names
the parameter, what was written, and a valid form.
"""

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import TypeVar

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.combinations import Combinations
from xt_core.search.conditions import Condition, check_conditions, evaluation_order
from xt_core.search.distributions import (
    NUMERIC_FORMS,
    Choice,
    Discrete,
    Distribution,
    Number,
)
from xt_core.search.errors import HyperparameterError
from xt_core.search.values import (
    FLOAT,
    Item,
    QuotedText,
    parse_value,
    render_value,
    split_items,
)

Key = TypeVar("Key")
CHOICE_USAGE = "$choice(a, b, …)"
FORM_NAMES = (*NUMERIC_FORMS, "choice")
BARE_FORMS = frozenset(f"${form_name}" for form_name in FORM_NAMES)
CALL = re.compile(r"\$(\w+)\s*\((.*)\)", re.DOTALL)
CALL_START = re.compile(r"\$\w+\s*\(")
FORGOTTEN_DOLLAR = re.compile(rf"(?:{'|'.join(FORM_NAMES)})\s*\(.*\)", re.DOTALL)
VALUES_HINT = "write values as [0.01, 0.03] or ['a, b', c], or a distribution as [$uniform(0, 1)]"
VALUES, WHEN = "values", "when"
PARAMETER_KEYS = (VALUES, WHEN)
WHEN_HINT = "write it as {values: [0.8, 0.9], when: {optimizer: sgd}}"


class Space(Mapping[str, Distribution]):
    """The parameters of a search, their distributions, and the conditions of some.

    They stand in evaluation order: every parameter after those its condition names, otherwise as
    they were given.
    """

    def __init__(
        self,
        distributions: Mapping[str, Distribution] | None = None,
        conditions: Mapping[str, Condition] | None = None,
    ) -> None:
        """Raises UsageError for conditions that `check_conditions` refuses."""
        given = distributions or {}
        self._conditions = dict(conditions or {})
        check_conditions(given, self._conditions)
        order = evaluation_order(given, self._conditions)
        self._distributions = {name: given[name] for name in order}

    def __getitem__(self, name: str) -> Distribution:
        return self._distributions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._distributions)

    def __len__(self) -> int:
        return len(self._distributions)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Space) and self._conditions != other._conditions:
            return False
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Space({self.describe()!r})"

    @property
    def size(self) -> int | None:
        """How many different combinations there are; None if a parameter has no listed values.

        Raises UsageError, as `grid_size`.
        """
        if all(isinstance(distribution, Discrete) for distribution in self.values()):
            return self.grid_size
        return None

    @property
    def grid_size(self) -> int:
        """How many combinations the active parameters with listed values have; 1 if there are none.

        Raises UsageError if the conditions are too entangled to count them.
        """
        return self.combinations.count

    @cached_property
    def combinations(self) -> Combinations:
        """The combinations of listed values. Raises UsageError, as `grid_size`."""
        listed = {
            name: distribution.values if isinstance(distribution, Discrete) else ()
            for name, distribution in self.items()
        }
        return Combinations(listed, self._conditions)

    def joined(self, other: "Space") -> "Space":
        """Both together; their parameters have different names."""
        return Space(
            self._distributions | other._distributions, self._conditions | other._conditions
        )

    def condition(self, name: str) -> Condition | None:
        """The condition under which a parameter is active; None for one that always is."""
        return self._conditions.get(name)

    def is_active(self, name: str, chosen: Mapping[str, Value]) -> bool:
        """Whether a parameter is active, given the values of those before it; inactive ones are
        absent from `chosen`."""
        condition = self._conditions.get(name)
        return condition is None or condition.holds(chosen)

    def draw(self, choose: Callable[[str, Distribution], Value]) -> dict[str, Value]:
        """The point in which every active parameter has the value that `choose` gives."""
        values: dict[str, Value] = {}
        for name, distribution in self.items():
            if self.is_active(name, values):
                values[name] = choose(name, distribution)
        return values

    def describe(self) -> dict[str, str | dict[str, object]]:
        """Each parameter in the grammar, with its condition; `from_object` reads it back."""
        return {
            name: _describe(distribution, self._conditions.get(name))
            for name, distribution in self.items()
        }

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
        distributions: dict[str, Distribution] = {}
        conditions: dict[str, Condition] = {}
        for name, written in _named(section):
            if name in distributions:
                raise HyperparameterError(name, "it is given twice", hint="remove one of the two")
            distributions[name], condition = _parameter(name, written)
            if condition is not None:
                conditions[name] = condition
        return cls(distributions, conditions)


def mend_calls(
    entries: Iterable[tuple[Key, object]], text: Callable[[Key], str]
) -> Iterator[tuple[Key, object]]:
    """The entries of a mapping, with each distribution whole: between braces, YAML takes what
    follows a comma of `$uniform(0, 1)` for keys without a value. `text` is what a key is written
    as. (A mapping that was loaded has lost what is the same in two distributions.)"""
    left = deque(entries)
    while left:
        key, written = left.popleft()
        if isinstance(written, str) and CALL_START.match(written):
            pieces = [written]
            while ")" not in pieces[-1] and left and left[0][1] is None:
                pieces.append(text(left.popleft()[0]))
            written = ", ".join(pieces) if len(pieces) > 1 else written
        yield key, written


def parse_values(name: str, text: str) -> Distribution:
    """The distribution written as `[value, …]` or `[$distribution(…)]`. Raises UsageError."""
    stripped = text.strip()
    if len(stripped) < 2 or stripped[0] != "[" or stripped[-1] != "]":
        raise HyperparameterError(name, "the values are not in square brackets", text, VALUES_HINT)
    body = stripped[1:-1].strip()
    if not body:
        raise HyperparameterError(name, "no values", text, VALUES_HINT)
    try:
        items = split_items(body)
    except ValueError as error:
        hint = "put text with commas, quotes or brackets in quotes: ['a, b', \"it's\"]"
        raise HyperparameterError(name, str(error), text, hint) from error
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
            raise HyperparameterError(name, "no values", "[]", VALUES_HINT)
        first = written[0]
        if isinstance(first, str) and CALL_START.match(first):
            pieces = (render_value(_scalar(name, piece)) for piece in written)
            return parse_values(name, f"[{', '.join(pieces)}]")
        return Choice(tuple(_scalar(name, item) for item in written))
    if written is None:
        raise HyperparameterError(name, "no values", "", VALUES_HINT)
    if isinstance(written, str):
        text = written.strip()
        if text.startswith("[") and text.endswith("]"):
            return parse_values(name, text)
        if CALL_START.match(text) or text in BARE_FORMS:
            return parse_values(name, f"[{text}]")
    return Choice((_scalar(name, written),))


def _describe(distribution: Distribution, condition: Condition | None) -> str | dict[str, object]:
    values = distribution.describe()
    if condition is None:
        return values
    when = {parent: Choice(allowed).describe() for parent, allowed in condition.allowed}
    return {VALUES: values, WHEN: when}


def _named(section: Mapping[object, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """The dotted name of everything in a section that is not a section itself."""
    for key, written in _mended(section):
        if not isinstance(key, str) or not key:
            raise UsageError(
                f"the hyperparameter name {key!r} is not text" + (prefix and f", in {prefix[:-1]}"),
                "put the name in quotes: YAML reads on, no and 1 as something else",
            )
        name = f"{prefix}{key}"
        if not isinstance(written, Mapping) or VALUES in written:
            yield name, written
            continue
        if not written:
            raise HyperparameterError(name, "no values", "{}", VALUES_HINT)
        if isinstance(written.get(WHEN), Mapping):
            raise HyperparameterError(name, "when without values", hint=WHEN_HINT)
        yield from _named(written, f"{name}.")


def _mended(section: Mapping[object, object]) -> Iterator[tuple[object, object]]:
    return mend_calls(section.items(), lambda key: render_value(_scalar(str(key), key)))


def _parameter(name: str, written: object) -> tuple[Distribution, Condition | None]:
    """A parameter of a section, with its condition."""
    if not isinstance(written, Mapping):
        return from_object(name, written), None
    entries = dict(_mended(written))
    for key in entries:
        if key not in PARAMETER_KEYS:
            near = get_close_matches(str(key).lower(), PARAMETER_KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"a parameter has {VALUES} and {WHEN}"
            what = f"unknown key {key} beside {VALUES}"
            raise HyperparameterError(name, what, hint=f"{hint}; {WHEN_HINT}")
    distribution = from_object(name, entries[VALUES])
    return distribution, _condition(name, entries[WHEN]) if WHEN in entries else None


def _condition(name: str, written: object) -> Condition:
    if not isinstance(written, Mapping) or not written:
        what = "when is not a mapping of names to values"
        raise HyperparameterError(name, what, "" if written is None else str(written), WHEN_HINT)
    allowed: dict[str, tuple[Value, ...]] = {}
    for parent, values in _named(written):
        choice = from_object(name, values)
        if not isinstance(choice, Choice):
            what = f"its condition on {parent} is a distribution"
            raise HyperparameterError(name, what, choice.describe(), WHEN_HINT)
        if parent in allowed:
            what = f"its condition names {parent} twice"
            raise HyperparameterError(name, what, hint=f"write {parent}: [a, b] for either value")
        allowed[parent] = choice.values
    return Condition(tuple(allowed.items()))


def _scalar(name: str, written: object) -> Value:
    """A YAML scalar as the same text on a command line would be read."""
    if written is None:
        return "null"
    if isinstance(written, QuotedText):
        return str(written)
    if isinstance(written, str):
        # YAML 1.1 takes 1e-3, which has no point, for text.
        return parse_value(written) if FLOAT.fullmatch(written) else written
    if isinstance(written, bool):
        return written
    if isinstance(written, int):
        return parse_value(str(written))
    if isinstance(written, float):
        return written if math.isfinite(written) else str(written)
    raise HyperparameterError(
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
        raise HyperparameterError(name, f"unknown distribution ${form_name}", text, hint)
    try:
        items = split_items(arguments) if arguments.strip() else []
        if form_name == "choice":
            return Choice(tuple(item.value for item in items))
        form = NUMERIC_FORMS[form_name]
        if len(items) not in form.counts:
            raise ValueError(f"${form_name} with {len(items)} arguments")
        return form.build([_number(item) for item in items])
    except ValueError as error:
        raise HyperparameterError(
            name, str(error), text, f"write it as {_usage(form_name)}"
        ) from error


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
        raise HyperparameterError(
            name, f"{item.text} beside other values", text, "a distribution stands alone"
        )
    if item.text in BARE_FORMS:
        raise HyperparameterError(
            name, "no parentheses", text, f"write it as {_usage(item.text[1:])}"
        )
    if FORGOTTEN_DOLLAR.fullmatch(item.text):
        hint = f"write [${item.text}] for the distribution, or ['{item.text}'] for the text"
        raise HyperparameterError(name, "a distribution without its $", text, hint)
    if alone and item.text.startswith("(") and item.text.endswith(")"):
        hint = (
            "a shell takes $name out of double quotes: put the argument in single quotes; "
            f"for the text, write ['{item.text}']"
        )
        raise HyperparameterError(name, "a distribution without its name", text, hint)


def _usage(form_name: str) -> str:
    usages = (CHOICE_USAGE,) if form_name == "choice" else NUMERIC_FORMS[form_name].usages
    return " or ".join(f"[{usage}]" for usage in usages)
