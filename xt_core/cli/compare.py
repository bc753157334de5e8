"""`xt compare`: runs side by side, by default only what differs."""

from collections.abc import Sequence

from xt_core.cli.names import chosen_runs
from xt_core.cli.parser import add_workspace, command_parser, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ExitCode, UnknownNameError, UsageError
from xt_core.model.records import Run
from xt_core.query.formats import counted
from xt_core.query.table import display_width, render_table
from xt_core.reports.comparison import TITLES, Comparison, Row, compare
from xt_core.reports.tables import terminal_width
from xt_core.session import Session

_EXAMPLES = (
    "xt compare run3 run7                    what differs: hyperparameters, metrics, code, …",
    "xt compare job12 --baseline run12.4     all runs of a search against one of them",
    "xt compare run3,run7 --all              also what is the same",
    "xt compare job12 --match lr             only what is called so",
    "xt compare run3,run7 --json",
)
_WIDEST_CELL = 40


def main(argv: list[str]) -> int:
    parser = command_parser(
        "compare", "runs side by side: what differs", _EXAMPLES, usage="xt compare RUNS [OPTIONS]"
    )
    parser.add_argument("names", nargs="+", metavar="RUNS", help="run3,run7-run9,run35.*,job12; -")
    parser.add_argument("--all", action="store_true", help="also what is the same")
    parser.add_argument(
        "--baseline", metavar="RUN", help="compare with this one (default: the first named)"
    )
    parser.add_argument("--match", metavar="WORDS", default="", help="only what is called so")
    add_workspace(parser)
    options = parser.parse_intermixed_args(argv[1:])
    session = Session(overrides=overrides_of(options), is_looking=True)
    runs = chosen_runs(session, options.names, parents=False, as_named=True)
    if len(runs) < 2:
        raise UsageError("there is nothing to compare with one run", "name two or more")
    baseline = _place(runs, options.baseline)
    found = compare(session, runs)
    rows = found.chosen(every=options.all, words=options.match)
    if options.json:
        emit_json(found.document(rows, baseline))
        return ExitCode.OK
    for line in _lines(found, rows, baseline):
        print(line)
    if not rows:
        note(f"{counted(len(runs), 'run')}: nothing differs; --all shows what is the same")
    return ExitCode.OK


def _place(runs: Sequence[Run], name: str | None) -> int:
    if name is None:
        return 0
    for place, run in enumerate(runs):
        if name in (run.name, run.full_name):
            return place
    raise UnknownNameError(f"{name} is not among the runs to compare", "name it in the list too")


def _lines(found: Comparison, rows: Sequence[Row], baseline: int) -> list[str]:
    """A column a run if they fit the terminal, else a line a run; the baseline comes first."""
    order = [baseline, *(place for place in range(len(found.runs)) if place != baseline)]
    names = [found.runs[place].name for place in order]
    cells = [[_cell(row, place, baseline) for place in order] for row in rows]
    heads = [[TITLES[row.group], row.title] for row in rows]
    width = terminal_width()
    upright = render_table(
        ["", "", *names],
        [[*head, *line] for head, line in zip(_thinned(heads), cells, strict=True)],
        ["left", "left", *["right"] * len(names)],
        _WIDEST_CELL,
    )
    if width is None or all(display_width(line) <= width for line in upright):
        return upright
    return render_table(
        ["run", *(row.title for row in rows)],
        [[name, *(line[at] for line in cells)] for at, name in enumerate(names)],
        ["left", *["right"] * len(rows)],
        _WIDEST_CELL,
        width,
    )


def _thinned(heads: list[list[str]]) -> list[list[str]]:
    """A group is named on its first line only."""
    groups = ["", *(group for group, _ in heads)]
    return [
        ["" if group == before else group, name]
        for before, (group, name) in zip(groups, heads, strict=False)
    ]


def _cell(row: Row, place: int, baseline: int) -> str:
    return f"{row.text(place)} {row.delta_text(place, baseline)}".strip()
