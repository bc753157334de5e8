"""Reports of runs and jobs as tables: which columns, how sorted, grouped, cut and exported."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from xt_core import clock
from xt_core.errors import RefusedError, UsageError
from xt_core.query.columns import (
    DEFAULT_RUN_COLUMNS,
    TOLD_APART_BY,
    Column,
    expand_columns,
    foremost,
    parse_columns,
)
from xt_core.query.fields import FieldSet, Kind, Record
from xt_core.query.table import group_rows, render_table, to_csv

_EXPORTS = (".csv", ".tsv", ".json")


@dataclass
class Layout:
    """How a report looks. `columns` None is the default set, of which empty ones are dropped, and
    hyperparameters that are the same in all records."""

    columns: str | None
    default_columns: str
    max_width: int = 30
    precision: int = 3
    group: str | None = None


@dataclass
class Report(Generic[Record]):
    """Records and how they are shown; `documents` are the same records for JSON."""

    records: Sequence[Record]
    total: int
    fields: FieldSet[Record]
    layout: Layout
    documents: Callable[[], dict[str, Any]]

    def columns(self, now: float, *, is_whole: bool = False) -> list[Column[Record]]:
        """The columns for these records; with `is_whole` also those that tell none apart. Raises
        UsageError."""
        chosen = self.layout.columns
        is_cut = chosen is None and not is_whole
        return expand_columns(
            parse_columns(chosen or self.layout.default_columns, self.fields),
            self.fields,
            self.records,
            now,
            drop_absent=chosen is None,
            drop_constant=TOLD_APART_BY if is_cut else (),
            precision=self.layout.precision,
        )

    def foremost(self, now: float) -> tuple[list[Column[Record]], int]:
        """The columns that are shown, and how many more there would be; all that the user asked
        for. Raises UsageError."""
        columns, layout = self.columns(now), self.layout
        is_chosen = layout.columns is not None or layout.default_columns != DEFAULT_RUN_COLUMNS
        return (columns, 0) if is_chosen else foremost(columns, self.records, now)

    def lines(self) -> list[str]:
        """The table; with a group column one table a group, headed by its value."""
        now = clock.now()
        columns, _ = self.foremost(now)
        if self.layout.group is None:
            return self._table(columns, self.records, now)
        by = parse_columns(self.layout.group, self.fields)[0]
        if not isinstance(by, Column):
            raise UsageError(f"--group {self.layout.group} is many columns", "name one")
        lines: list[str] = []
        for value, members in group_rows(self.records, by, now).items():
            lines += [""] if lines else []
            lines += [f"{by.field.name}: {value or '-'}", *self._table(columns, members, now)]
        return lines

    def _table(
        self, columns: Sequence[Column[Record]], records: Sequence[Record], now: float
    ) -> list[str]:
        rows = [[column.text(record, now) for column in columns] for record in records]
        return render_table(
            [column.header for column in columns],
            rows,
            [column.alignment for column in columns],
            self.layout.max_width,
            terminal_width(),
            [place for place, column in enumerate(columns) if _is_whole(column)],
        )

    def export(self, path: Path) -> None:
        """Write all records to a .csv, .tsv or .json file. Raises UsageError, RefusedError."""
        import json

        suffix = path.suffix.lower()
        if suffix not in _EXPORTS:
            known = ", ".join(_EXPORTS)
            raise UsageError(f"cannot export to {path}", f"the name must end in one of {known}")
        if suffix == ".json":
            text = json.dumps(self.documents(), indent=1) + "\n"
        else:
            now = clock.now()
            columns = self.columns(now, is_whole=True)
            rows = [
                [_exported(column.field.get(record, now), column.field.kind) for column in columns]
                for record in self.records
            ]
            names = [column.field.name for column in columns]
            text = to_csv(names, rows, "," if suffix == ".csv" else "\t")
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RefusedError(f"cannot write {path}: {error.strerror}") from error


def terminal_width() -> int | None:
    """The cells of a line where standard output is a terminal, else None: nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _is_whole(column: Column[Any]) -> bool:
    """Whether a part of its texts would say nothing: names and states."""
    return column.field.kind is Kind.NAME or bool(column.field.choices)


def _exported(value: object, kind: Kind) -> object:
    """A value as other programs read it: times in ISO 8601, flags as in JSON."""
    if kind is Kind.TIME and isinstance(value, int | float):
        return clock.iso(value)
    return str(value).lower() if isinstance(value, bool) else value
