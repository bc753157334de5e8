"""When a parameter of a search space is active: conditions on the values of other parameters.

A parameter is active if each parent its condition names is active and has an allowed value.
Invariant: conditions that `check_conditions` accepts can each hold for some values of the parents,
and `evaluation_order` puts every parent before its children.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from heapq import heapify, heappop, heappush

from xt_core.model.records import Value
from xt_core.search.distributions import Discrete, Distribution
from xt_core.search.errors import HyperparameterError
from xt_core.search.values import quote_value


@dataclass(frozen=True, slots=True)
class Condition:
    """Each of the parents has one of its allowed values."""

    allowed: tuple[tuple[str, tuple[Value, ...]], ...]
    """(parent, values), every parent once."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The names of the parameters it depends on."""
        return tuple(parent for parent, _ in self.allowed)

    def allows(self, parent: str, value: Value) -> bool:
        """Whether this value of a parent leaves the condition possible."""
        return all(_is_among(value, values) for name, values in self.allowed if name == parent)

    def holds(self, hparams: Mapping[str, Value]) -> bool:
        """Whether every parent is there, which an inactive one is not, and has an allowed value."""
        return all(
            parent in hparams and _is_among(hparams[parent], values)
            for parent, values in self.allowed
        )


def check_conditions(
    distributions: Mapping[str, Distribution], conditions: Mapping[str, Condition]
) -> None:
    """Raises HyperparameterError for a condition on no parameter, on one without listed values or
    on values it does not have, for a circle of conditions, and for one that can never hold."""
    for name, condition in conditions.items():
        if name not in distributions:
            raise HyperparameterError(name, "it has a condition but no values")
        for parent, values in condition.allowed:
            if parent not in distributions:
                what = f"its condition names {parent}, which is not a hyperparameter"
                raise HyperparameterError(
                    name, what, hint=_nearest_name(name, parent, distributions)
                )
            _check_values(name, parent, distributions[parent], values)
    _check_possible(evaluation_order(distributions, conditions), conditions)


def evaluation_order(names: Iterable[str], conditions: Mapping[str, Condition]) -> list[str]:
    """The names with every parent before its children, otherwise as they were given.

    Kahn's algorithm ("Topological sorting of large networks", CACM 5(11), 1962), always taking the
    first given of the names that are ready. Raises HyperparameterError for a circle.
    """
    given = list(names)
    position = {name: index for index, name in enumerate(given)}
    children: dict[str, list[str]] = {name: [] for name in given}
    missing = {name: len(_parents(name, conditions)) for name in given}
    for name in given:
        for parent in _parents(name, conditions):
            children[parent].append(name)
    ready = [position[name] for name in given if not missing[name]]
    heapify(ready)
    order: list[str] = []
    while ready:
        order.append(given[heappop(ready)])
        for child in children[order[-1]]:
            missing[child] -= 1
            if not missing[child]:
                heappush(ready, position[child])
    if len(order) < len(given):
        raise _circle_error([name for name in given if missing[name]], conditions)
    return order


def _parents(name: str, conditions: Mapping[str, Condition]) -> tuple[str, ...]:
    return conditions[name].parents if name in conditions else ()


def _is_among(value: Value, values: Iterable[Value]) -> bool:
    """1 and 1.0 are the same value, 1 and true are not."""
    return any(
        value == other and isinstance(value, bool) == isinstance(other, bool) for other in values
    )


def _check_values(
    name: str, parent: str, distribution: Distribution, values: tuple[Value, ...]
) -> None:
    written = distribution.describe()
    if not isinstance(distribution, Discrete):
        what = f"its condition names {parent}, whose values are not listed"
        hint = f"list the values of {parent}, as in {parent}: [a, b]"
        raise HyperparameterError(name, what, written, hint)
    for value in values:
        if not _is_among(value, distribution.values):
            shown = quote_value(value)
            what = f"its condition has {shown}, which is not a value of {parent}"
            known = [quote_value(other) for other in distribution.values]
            near = _near(shown, known)
            hint = f"did you mean {near}?" if near else f"give {parent} that value, or take another"
            raise HyperparameterError(name, what, written, hint)


def _near(text: str, known: list[str]) -> str | None:
    """The most similar known text, in any case and with or without quotes."""
    plain = {other.strip('"').lower(): other for other in reversed(known)}
    return next(
        (plain[match] for match in get_close_matches(text.strip('"').lower(), plain, 1)), None
    )


def _nearest_name(name: str, parent: str, distributions: Mapping[str, Distribution]) -> str:
    sibling = f"{name.rpartition('.')[0]}.{parent}"
    others = [other for other in distributions if other != name]
    near = sibling if sibling in others else _near(parent, others)
    if near:
        return f"did you mean {near}?"
    return (
        f"the other hyperparameters are {', '.join(others)}"
        if others
        else "there is no other hyperparameter"
    )


def _circle_error(left: list[str], conditions: Mapping[str, Condition]) -> HyperparameterError:
    """The error for names that wait for each other, each of which has a parent among them."""
    path = [left[0]]
    while path[-1] not in path[:-1]:
        path.append(next(parent for parent in _parents(path[-1], conditions) if parent in left))
    circle = path[path.index(path[-1]) :]
    what = f"its condition depends on itself ({' → '.join(circle)})"
    return HyperparameterError(circle[0], what, hint="take the condition from one of them")


def _check_possible(order: list[str], conditions: Mapping[str, Condition]) -> None:
    """A condition includes those of its parents: what all of them allow must not be empty."""
    needs: dict[str, dict[str, tuple[Value, ...]]] = {}
    for name in order:
        needed = needs[name] = {}
        for ancestor, allowed in _needs_of(name, conditions, needs):
            before = needed.get(ancestor, allowed)
            needed[ancestor] = tuple(value for value in allowed if _is_among(value, before))
            if not needed[ancestor]:
                one, other = (" or ".join(map(quote_value, some)) for some in (before, allowed))
                what = f"it is never active: {ancestor} would be {one}, and {other} too"
                hint = "a parent is active only where its own condition holds"
                raise HyperparameterError(name, what, hint=hint)


def _needs_of(
    name: str,
    conditions: Mapping[str, Condition],
    needs: Mapping[str, Mapping[str, tuple[Value, ...]]],
) -> Iterator[tuple[str, tuple[Value, ...]]]:
    if name in conditions:
        for parent, values in conditions[name].allowed:
            yield from needs[parent].items()
            yield parent, values
