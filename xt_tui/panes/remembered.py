"""What a pane remembers of its user's choices, from one session to the next."""

import contextlib
from collections.abc import Mapping
from typing import Any

from textual.widget import Widget

from xt_core.choices import Choices
from xt_core.errors import UsageError
from xt_core.query.columns import only_column
from xt_core.query.fields import FieldSet
from xt_core.query.sorting import parse_sort
from xt_core.query.views import (
    Columns,
    View,
    from_json,
    keep_views,
    names_from_json,
    views_of,
)


class Remembered:
    """A pane's part of the choices; without any they last as long as the pane."""

    def __init__(self, pane: Widget, choices: Choices | None) -> None:
        self._pane, self._choices = pane, choices

    def get(self, what: str) -> Any:
        return None if self._choices is None else self._choices.get(f"{self._pane.id} {what}")

    def order(self, fields: FieldSet[Any]) -> tuple[str, bool] | None:
        """What rows are sorted by, and whether in reverse; None if the user has not chosen."""
        match self.get("order"):
            case [str() as sort, bool() as reverse]:
                with contextlib.suppress(UsageError):
                    parse_sort(sort, fields)
                    return sort, reverse
        return None

    def group(self, fields: FieldSet[Any]) -> str:
        """What rows are grouped by; "" if they are not."""
        group = self.get("group")
        if isinstance(group, str):
            with contextlib.suppress(UsageError):
                only_column(group, fields)
                return group
        return ""

    def columns(self, what: str, fields: FieldSet[Any]) -> Columns:
        """Columns of these fields, with how wide they are."""
        return from_json(self.get(what), fields)

    def names(self, what: str) -> tuple[str, ...]:
        """Names of fields, or what was typed."""
        return names_from_json(self.get(what))

    def put(self, what: str, value: object) -> None:
        if self._choices is not None:
            self._choices.put(f"{self._pane.id} {what}", value)
            self.tell_of_problem()

    def views(self, nouns: str, fields: FieldSet[Any]) -> dict[str, View]:
        """The saved views of what `nouns` says."""
        return {} if self._choices is None else views_of(self._choices, nouns, fields)

    def put_views(self, nouns: str, views: Mapping[str, View]) -> None:
        """Keep these views, and no others."""
        if self._choices is not None:
            keep_views(self._choices, nouns, views)
            self.tell_of_problem()

    def tell_of_problem(self) -> None:
        """Say if choices could not be read or kept."""
        if self._choices is not None and self._choices.problem:
            self._pane.notify(self._choices.problem, severity="warning", markup=False)
