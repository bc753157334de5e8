"""What a user chose to see of runs or jobs: columns, and views, which have a name.

A view is what `xt list` takes as options: filters, an order, columns, a group.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from xt_core.choices import Choices
from xt_core.errors import UnknownNameError, UsageError
from xt_core.query.columns import parse_columns
from xt_core.query.fields import FieldSet, spelled

NARROWEST, WIDEST = 3, 80
TREND = "trend"
ONLY_IN_UI = frozenset({TREND})
"""Fields that only the terminal UI can show: what a command makes of its views leaves them out."""


@dataclass(frozen=True)
class ChosenColumn:
    """A field by its full name, and cells; 0: as wide as its texts are."""

    name: str
    width: int = 0


Columns = tuple[ChosenColumn, ...]


def column_text(columns: Columns, fields: FieldSet[Any]) -> str:
    """The columns as of `xt list --columns`."""
    return ",".join(spelled(fields.find(column.name)) for column in columns)


def is_known(name: str, fields: FieldSet[Any]) -> bool:
    """Whether there is, or could be, such a field, and it can be written."""
    try:
        parse_columns(spelled(fields.find(name)), fields)
    except UsageError:
        return False
    return True


def to_json(columns: Columns) -> list[list[Any]]:
    return [[column.name, column.width] for column in columns]


def from_json(value: Any, fields: FieldSet[Any]) -> Columns:
    """What `to_json` gave. Whatever is no column of these fields is left out."""
    pairs: Iterable[Any] = value if isinstance(value, list) else ()
    return tuple(
        ChosenColumn(name, width)
        for name, width in (pair for pair in pairs if isinstance(pair, list) and len(pair) == 2)
        if isinstance(name, str)
        and isinstance(width, int)
        and 0 <= width <= WIDEST
        and is_known(name, fields)
    )


def names_from_json(value: Any) -> tuple[str, ...]:
    """The texts of a list as JSON gives it; none of anything else."""
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


@dataclass(frozen=True)
class View:
    """What a table shows; empty parts say nothing about it."""

    filter: str = ""
    """Filters separated by blanks."""
    sort: str = ""
    reverse: bool = False
    columns: Columns = ()
    group: str = ""
    left_out: tuple[str, ...] = ()
    """What had been logged when the columns were chosen, and was not among them: whatever else is
    logged is shown behind them."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"columns": to_json(self.columns)}

    @staticmethod
    def from_json(value: Any, fields: FieldSet[Any]) -> "View":
        """What `to_json` gave; parts that it cannot have given are left out."""
        parts: Mapping[str, Any] = value if isinstance(value, dict) else {}
        texts = {
            name: text
            for name in ("filter", "sort", "group")
            if isinstance(text := parts.get(name), str)
        }
        columns = from_json(parts.get("columns"), fields)
        left_out = names_from_json(parts.get("left_out"))
        return View(
            **texts, reverse=parts.get("reverse") is True, columns=columns, left_out=left_out
        )


def views_of(choices: Choices, nouns: str, fields: FieldSet[Any]) -> dict[str, View]:
    """The views of `runs` or `jobs`, by name."""
    kept = choices.get(_part(nouns))
    views: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
    return {name: View.from_json(views[name], fields) for name in sorted(views)}


def keep_views(choices: Choices, nouns: str, views: Mapping[str, View]) -> None:
    """Keep these views, and no others."""
    choices.put(_part(nouns), {name: view.to_json() for name, view in views.items()} or None)


def named_view(choices: Choices, nouns: str, fields: FieldSet[Any], name: str) -> View:
    """One view. Raises UnknownNameError, or UsageError where the file is broken."""
    views = views_of(choices, nouns, fields)
    if choices.problem:
        raise UsageError(choices.problem, "mend it or remove it")
    if name not in views:
        known = ", ".join(views) or "none is saved"
        raise UnknownNameError(
            f"no view of {nouns} is called {name!r}", f"views: {known}; V in the UI saves one"
        )
    return views[name]


def _part(nouns: str) -> str:
    return f"{nouns} views"
