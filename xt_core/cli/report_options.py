"""The options that reports of runs and jobs share, and what they mean beside the configuration.

`section` is that of the configuration, as ``run-reports``.
"""

import argparse
from pathlib import Path
from typing import Any

from xt_core.cli.parser import Parser, add_workspace, count
from xt_core.errors import UsageError
from xt_core.query.fields import FieldSet
from xt_core.query.filters import Check, Filter, parse_filter
from xt_core.reports.tables import Layout
from xt_core.session import Session


def add_report_options(parser: Parser) -> None:
    """Which records a report has, in which order, columns and groups, and where it goes."""
    add = parser.add_argument
    add(
        "--filter", action="append", default=[], metavar="FIELD<VALUE",
        help="FIELD=A,B: one of them, also nan and inf; or tags.NAME: set and not false; or a word "
        "of names, tags, notes, descriptions, or a state; may be repeated: all have to hold",
    )  # fmt: skip
    add("--sort", metavar="FIELD", help="-FIELD sorts downwards; the first few are shown")
    add("--reverse", action="store_true", default=None, help="turn the order round")
    add("--columns", metavar="LIST", help="name=Header:format, …; hparams.* and the like expand")
    add("--group", metavar="FIELD", help="a table for each value")
    add("--view", metavar="NAME", help="as saved in the terminal UI (V); other options come first")
    add("--first", type=count, metavar="N", help="only the first N")
    add("--last", type=count, metavar="N", help="only the last N")
    add("--all", action="store_true", help="all, not only the last few, or the first of an order")
    add("--archived", action="store_true", help="also what is archived")
    add("--status", metavar="LIST", help="as running,error")
    add("--experiment", metavar="NAME", help="only this experiment")
    add("--export", type=Path, metavar="FILE", help="all of them to a .csv, .tsv or .json file")
    add_workspace(parser)


def report_layout(session: Session, options: argparse.Namespace, section: str) -> Layout:
    """How the table looks."""
    config = session.config
    return Layout(
        columns=options.columns,
        default_columns=",".join(config.strings(f"{section}.columns")),
        max_width=config.integer(f"{section}.max-width"),
        precision=config.integer(f"{section}.precision"),
        group=options.group or config.optional_string(f"{section}.group"),
    )


def take_view(
    session: Session, options: argparse.Namespace, nouns: str, fields: FieldSet[Any]
) -> None:
    """Let a saved view say what the options leave open; its filters come on top of theirs. Raises
    UnknownNameError, and UsageError for a view that cannot be read."""
    if options.view is None:
        return
    from xt_core.choices import Choices
    from xt_core.query.filtertext import split_conditions
    from xt_core.query.sorting import sort_without
    from xt_core.query.views import ONLY_IN_UI, column_text, named_view

    view = named_view(Choices(session.team_home.team_root), nouns, fields, options.view)
    try:
        options.filter = [*options.filter, *split_conditions(view.filter)]
    except UsageError as error:
        raise UsageError(
            f"the filter of view {options.view!r} cannot be read: {error.message}",
            "save the view anew in the terminal UI (V)",
        ) from None
    options.columns = options.columns or column_text(view.columns, fields) or None
    options.group = options.group or view.group or None
    if options.sort is None and (sort := sort_without(view.sort, ONLY_IN_UI)):
        options.sort = sort
        options.reverse = view.reverse if options.reverse is None else options.reverse


def report_filters(options: argparse.Namespace, fields: FieldSet[Any]) -> list[Filter[Any]]:
    """What all records of the report fulfil; see `parse_filter`. Raises UsageError."""
    filters = [parse_filter(text, fields) for text in options.filter]
    if options.experiment is not None:
        field = fields.find("experiment")
        filters.append(Filter("--experiment", field, Check.EQUAL, options.experiment))
    return filters


def report_sort(session: Session, options: argparse.Namespace, section: str) -> str:
    """The order, as of `parse_sort`."""
    configured = session.config.string(f"{section}.sort")
    return configured if options.sort is None else str(options.sort)


def report_reverse(session: Session, options: argparse.Namespace, section: str) -> bool:
    """Whether that order is turned round."""
    configured = session.config.boolean(f"{section}.reverse")
    return configured if options.reverse is None else bool(options.reverse)


def report_statuses(
    session: Session, options: argparse.Namespace, section: str, fields: FieldSet[Any]
) -> list[str]:
    """The states asked for, else those of the configuration. Raises UsageError."""
    configured = ",".join(session.config.strings(f"{section}.status"))
    return _words(options.status or configured, fields.find("status").choices)


def report_limits(options: argparse.Namespace, default: int) -> tuple[int | None, int | None]:
    """Only so many from the beginning, or to the end (None: all); without an option the last ones,
    but of an order that was asked for the first. Raises UsageError."""
    given = [options.first is not None, options.last is not None, options.all]
    if sum(given) > 1:
        raise UsageError("--first, --last and --all exclude each other", "give one of them")
    if options.first is not None or options.last is not None:
        return options.first, options.last
    if options.all or options.export:
        return None, None
    return (default, None) if is_ordered(options) else (None, default)


def is_ordered(options: argparse.Namespace) -> bool:
    """Whether the user, or a view of theirs, asked for an order."""
    return options.sort is not None or bool(options.reverse)


def cut(rows: list[Any], first: int | None, last: int | None) -> list[Any]:
    """The rows within such limits."""
    if first is not None:
        return rows[:first]
    return rows if last is None else rows[len(rows) - min(last, len(rows)) :]


def _words(text: str | None, known: tuple[str, ...]) -> list[str]:
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    for word in words:
        if word not in known:
            raise UsageError(f"there is no status {word!r}", f"they are {', '.join(known)}")
    return words
