"""`xt plot`: metric curves in the terminal."""

import argparse
import os
import shutil
import sys

from xt_core import clock
from xt_core.chart import ASCII_GLYPHS, UNICODE_GLYPHS, Series, render_chart, to_ansi
from xt_core.cli.names import chosen_runs
from xt_core.cli.parser import Parser, add_workspace, command_parser, count, overrides_of
from xt_core.cli.talk import emit_json, note
from xt_core.cli.view import chosen_metrics
from xt_core.errors import ExitCode, UsageError
from xt_core.model.encoding import plain
from xt_core.model.records import MetricRecord, Run
from xt_core.reports.documents import metric_series
from xt_core.session import Session

_EXAMPLES = (
    "xt plot run3 test-acc                    one curve",
    "xt plot run3.* 'train-*' --log-y         one chart a metric, one curve a run",
    "xt plot job12 loss --smoothing 0.9 --max-runs 20",
    "xt plot run3,run5 loss --x time --ascii",
)
_DEFAULT_HEIGHT = 18


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv[1:])
    if not 0 <= options.smoothing < 1:
        raise UsageError(f"--smoothing {options.smoothing:g}", "it lies in [0, 1)")
    session = Session(overrides=overrides_of(options), is_looking=True)
    runs = chosen_runs(session, [options.runs], parents=False)
    if len(runs) > options.max_runs:
        note(f"the first {options.max_runs} of {len(runs)} runs; --max-runs shows more")
        runs = runs[: options.max_runs]
    records = {run.name: session.store.metrics(run.workspace, run.name) for run in runs}
    logged = list(
        dict.fromkeys(name for all_ in records.values() for r in all_ for name in r.values)
    )
    names = chosen_metrics(logged, options.metrics or _default_metric(session, runs, logged))
    if options.json:
        documents = {run: metric_series(points) for run, points in records.items()}
        emit_json(
            {
                "runs": {
                    run: {n: plain(series[n]) for n in names if n in series}
                    for run, series in documents.items()
                }
            }
        )
        return ExitCode.OK
    if not names:
        note(f"{', '.join(records) or options.runs}: no metrics")
    for name in names:
        print(_chart(name, runs, records, options))
    return ExitCode.OK


def _parser() -> Parser:
    parser = command_parser(
        "plot",
        "metric curves in the terminal: one chart a metric, one curve a run",
        _EXAMPLES,
        usage="xt plot RUNS [METRICS] [OPTIONS]",
    )
    parser.add_argument("runs", metavar="RUNS")
    parser.add_argument("metrics", nargs="?", metavar="METRICS", help="default: the primary metric")
    parser.add_argument("--x", choices=("step", "time"), default="step", help="default: step")
    parser.add_argument("--log-x", action="store_true", help="logarithmic x")
    parser.add_argument("--log-y", action="store_true", help="logarithmic y")
    parser.add_argument("--smoothing", type=float, default=0.0, metavar="WEIGHT", help="0 to 0.999")
    parser.add_argument("--width", type=count, metavar="N", help="default: the terminal's")
    parser.add_argument("--height", type=count, default=_DEFAULT_HEIGHT, metavar="N")
    parser.add_argument("--max-runs", type=count, default=10, metavar="N", help="default: 10")
    parser.add_argument("--ascii", action="store_true", help="plain characters only")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    add_workspace(parser)
    return parser


def _default_metric(session: Session, runs: list[Run], logged: list[str]) -> str | None:
    primary = session.store.job(runs[0].job).primary_metric if runs else ""
    return primary if primary in logged else None


def _chart(
    name: str,
    runs: list[Run],
    records: dict[str, list[MetricRecord]],
    options: argparse.Namespace,
) -> str:
    series = [
        _series(run.name, records[run.name], name, options.x, color)
        for color, run in enumerate(runs)
    ]
    chart = render_chart(
        [one for one in series if one.x],
        options.width or shutil.get_terminal_size().columns,
        options.height,
        title=name,
        x_label=options.x if options.x == "step" else "seconds",
        log_x=options.log_x,
        log_y=options.log_y,
        smoothing=options.smoothing,
        glyphs=ASCII_GLYPHS if options.ascii else UNICODE_GLYPHS,
    )
    colored = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    return to_ansi(chart, color=colored)


def _series(run: str, records: list[MetricRecord], metric: str, x: str, color: int) -> Series:
    """One curve; x is the step, or the seconds since the first record."""
    began = records[0].time if records else clock.now()
    xs, ys = list[float](), list[float]()
    for record in records:
        value = record.values.get(metric)
        if isinstance(value, int | float) and not isinstance(value, bool):
            step = record.step if record.step is not None else float(len(xs))
            xs.append(record.time - began if x == "time" else step)
            ys.append(float(value))
    return Series(run, xs, ys, color)
