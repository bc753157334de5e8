"""Names in filters that no record holds: most likely mistyped, or not logged yet."""

from collections.abc import Iterable, Sequence
from typing import Any

from xt_core.query.fields import Field, FieldSet
from xt_core.query.filters import Check, Filter

_ABSENCE = frozenset({Check.EXISTS, Check.NONE, Check.EMPTY})
"""What is asked where a name may be missing."""
_VERBS = {"metrics": "has logged"}


def named_members(filters: Iterable[Filter[Any]], fields: FieldSet[Any]) -> list[Field[Any]]:
    """The hyperparameters, metrics and tags that filters compare, each once; not those of which
    they ask whether they are there. Of an aggregate it is the metric."""
    found: dict[str, Field[Any]] = {}
    for each in filters:
        field = each.field
        if field.family and each.check not in _ABSENCE:
            member = field.member if field.aggregate is None else field.aggregate.member
            known = fields.member(field.family, member)
            found.setdefault(known.name, known)
    return list(found.values())


def unheld_text(field: Field[Any], noun: str, known: Sequence[str]) -> str:
    """What to tell of a name that is not among the `known` ones (each with its family), of records
    called `noun`. Nothing where none of its family is known, or of a tag that is like no other."""
    if field.name in known or not any(name.startswith(f"{field.family}.") for name in known):
        return ""
    near = _nearest(field, known)
    if field.family == "tags" and not near:
        return ""
    hint = f"; did you mean {near}?" if near else ""
    return f"no {noun} {_VERBS.get(field.family, 'has')} {field.name}{hint}"


def _nearest(field: Field[Any], known: Sequence[str]) -> str:
    """The same name in another family, else the nearest one in its own."""
    from difflib import get_close_matches

    for name in known:
        if name.partition(".")[2] == field.member:
            return name
    own = [name for name in known if name.startswith(f"{field.family}.")]
    return next(iter(get_close_matches(field.name, own, n=1, cutoff=0.75)), "")
