"""`xt plot`: metric curves in the terminal, or as a picture."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from xt_core import clock
from xt_core.chart import (
    GLYPH_SETS,
    Band,
    Curve,
    Form,
    Glyphs,
    Look,
    Spread,
    lay_out,
    to_ansi,
)
from xt_core.cli.names import chosen_runs, split_names
from xt_core.cli.parser import Parser, add_workspace, command_parser, count, overrides_of
from xt_core.cli.picture import save_picture
from xt_core.cli.talk import emit_json, note, stdout_glyphs
from xt_core.cli.view import chosen_metrics
from xt_core.errors import ExitCode, UsageError
from xt_core.model.encoding import plain
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.query.columns import only_column
from xt_core.query.registry import RUN_FIELDS
from xt_core.reports.curves import RunPoints, XKind
from xt_core.reports.direction import is_maximized
from xt_core.reports.documents import metric_series
from xt_core.reports.judging import judged_job
from xt_core.reports.logged import names_in
from xt_core.reports.replicates import replicates
from xt_core.reports.rungroups import MOST_RUNS as MOST_IN_BANDS
from xt_core.reports.rungroups import RunGroup, all_together, by_text, sampled
from xt_core.reports.top import best_runs
from xt_core.session import Session

_EXAMPLES = (
    "xt plot run3 test-acc                    one curve",
    "xt plot run3.* 'train-*' --log-y         one chart a metric, one curve a run",
    "xt plot job12 loss --smoothing 0.9 --top --max-runs 5",
    "xt plot job12 loss --band seeds          mean, least and greatest of runs that differ by seed",
    "xt plot job12 loss --group hparams.opt --spread std   a mean ± std for each value",
    "xt plot run3,run5 loss --x relative --x-range 60:3600",
    "xt plot job12 'val-*' --best-so-far --save curves.svg",
)
_DEFAULT_HEIGHT = 18
_MOST_CURVES = 10
_X_KINDS = {**{str(kind): kind for kind in XKind}, "time": XKind.RELATIVE}


def main(argv: list[str]) -> int:
    options = _parser().parse_intermixed_args(argv[1:])
    names_of_runs, others = split_names(options.words)
    wanted = ",".join(others) or None
    if not 0 <= options.smoothing < 1:
        raise UsageError(f"--smoothing {options.smoothing:g}", "it lies in [0, 1)")
    options.x_range = _range(options.x_range)
    session = Session(overrides=overrides_of(options), is_looking=True)
    runs = chosen_runs(session, names_of_runs, parents=False)
    job = judged_job(session.store, session.store.job(runs[0].job)) if runs else None
    groups = _groups(runs, options)
    runs = [run for group in groups for run in group.runs] or _fewer(runs, job, options)
    records = {run.name: session.store.metrics(run.workspace, run.name) for run in runs}
    logged = list(
        dict.fromkeys(name for all_ in records.values() for r in all_ for name in r.values)
    )
    primary = job.primary_metric if job is not None else ""
    default = primary if primary in logged else None
    names = chosen_metrics(logged, wanted or default)
    if options.json:
        _print_points(records, names)
    elif not names:
        note(f"{', '.join(records) or ','.join(names_of_runs)}: no metrics")
    else:
        _show(names, runs, groups, records, job, options)
    return ExitCode.OK


def _parser() -> Parser:
    parser = command_parser(
        "plot",
        "metric curves in the terminal: one chart a metric, one curve a run",
        _EXAMPLES,
        usage="xt plot RUNS [METRICS] [OPTIONS]",
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="RUNS METRICS",
        help="run3,run7-run9 or job12, several too; then metrics (default: the primary one)",
    )
    parser.add_argument(
        "--x",
        choices=tuple(_X_KINDS),
        default="step",
        metavar="KIND",
        help="step (default), epoch (a metric of that name that was logged along), relative "
        "(time since the run's first record) or wall (time of day)",
    )
    parser.add_argument("--x-range", metavar="LOW:HIGH", help="zoom; either may be left out")
    parser.add_argument("--log-x", action="store_true", help="logarithmic x")
    parser.add_argument("--log-y", action="store_true", help="logarithmic y")
    parser.add_argument("--smoothing", type=float, default=0.0, metavar="WEIGHT", help="0 to 0.999")
    parser.add_argument(
        "--best-so-far", action="store_true", help="the best value so far in place of each value"
    )
    parser.add_argument(
        "--band",
        choices=("seeds", "all"),
        help="means in the place of curves: of runs that differ by their seeds alone, or of all",
    )
    parser.add_argument(
        "--group", metavar="FIELD", help="means in the place of curves: of each value of a field"
    )
    parser.add_argument(
        "--spread",
        choices=tuple(map(str, Spread)),
        default=str(Spread.RANGE),
        help="the band about a mean: least to greatest (range, default), or a standard deviation",
    )
    parser.add_argument(
        "--top", action="store_true", help="of more than --max-runs, those best by primary metric"
    )
    parser.add_argument(
        "--max-runs", type=count, metavar="N", help=f"default: 10, in bands {MOST_IN_BANDS}"
    )
    parser.add_argument("--save", metavar="FILE", help="as a picture: FILE.svg or FILE.png")
    parser.add_argument("--width", type=count, metavar="N", help="default: the terminal's")
    parser.add_argument("--height", type=count, default=_DEFAULT_HEIGHT, metavar="N")
    parser.add_argument(
        "--glyphs", choices=tuple(GLYPH_SETS), help="default: what the terminal can show"
    )
    parser.add_argument("--ascii", action="store_true", help="the same as --glyphs ascii")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    add_workspace(parser)
    return parser


def _range(text: str | None) -> tuple[float | None, float | None]:
    """The ends of ``60:3600``, ``60:`` or ``:3600``. Raises UsageError."""
    if text is None:
        return None, None
    try:
        low, high = (float(part) if part.strip() else None for part in text.split(":"))
    except ValueError:
        raise UsageError(f"--x-range {text}", "as in --x-range 60:3600, 60: or :3600") from None
    if low is not None and high is not None and not low < high:
        raise UsageError(f"--x-range {text}", "write the lower end first")
    return low, high


def _groups(runs: Sequence[Run], options: argparse.Namespace) -> list[RunGroup[Run]]:
    """The runs as bands take them together, of too many a sample; none where each is a curve.
    Raises UsageError."""
    if options.group:
        if options.band:
            raise UsageError("--group with --band", "either of them says what a band is of")
        known = RUN_FIELDS.knowing(lambda: names_in(RUN_FIELDS, runs))
        column = only_column(options.group, known)
        now = clock.now()
        groups = by_text(column.header, lambda run: column.group_text(run, now), runs)
    elif options.band == "seeds":
        groups = [RunGroup(name, own, len(own)) for name, own in replicates(runs).items()]
    else:
        groups = all_together(runs) if options.band else []
    limit = options.max_runs or MOST_IN_BANDS
    if groups and len(runs) > limit:
        note(f"a sample of {limit} of {len(runs)} runs; --max-runs takes more")
    return sampled(groups, limit) if groups else []


def _fewer(runs: list[Run], job: Job | None, options: argparse.Namespace) -> list[Run]:
    """As many runs as may be shown; a note tells which."""
    limit = options.max_runs or _MOST_CURVES
    if len(runs) <= limit:
        return runs
    if options.top and (job is None or not job.primary_metric):
        raise UsageError("--top: the job has no primary metric", "xt run --primary-metric sets one")
    if options.top and job is not None:
        note(f"the best {limit} of {len(runs)} runs by {job.primary_metric}")
        return list(best_runs(runs, job.primary_metric, job.maximize, limit))
    note(f"the first {limit} of {len(runs)} runs; --max-runs shows more, --top the best")
    return runs[:limit]


def _print_points(records: dict[str, list[MetricRecord]], names: Sequence[str]) -> None:
    documents = {run: metric_series(points) for run, points in records.items()}
    runs = {
        run: {name: plain(series[name]) for name in names if name in series}
        for run, series in documents.items()
    }
    emit_json({"runs": runs})


def _show(
    names: Sequence[str],
    runs: Sequence[Run],
    groups: Sequence[RunGroup[Run]],
    records: dict[str, list[MetricRecord]],
    job: Job | None,
    options: argparse.Namespace,
) -> None:
    """Print a chart for each metric, or save them all."""
    colored = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    is_picture = options.save is not None
    points = {run.name: RunPoints() for run in runs}
    for run in runs:
        points[run.name].add(records[run.name])
    glyphs = _glyphs(options)
    panels = []
    for name in names:
        maximize = is_maximized(name, job.primary_metric if job else "", not job or job.maximize)
        is_raw = (colored or is_picture) and not groups
        own = _curves(name, runs, points, maximize, options, raw=is_raw)
        curves = _bands(groups, own, options) if groups else list(own.values())
        if options.x == "epoch" and not any(curve.spans_x for curve in curves):
            note(f"{name}: no metric named epoch was logged with it")
        panels.append((curves, _look(name, curves, maximize, options, glyphs, colored)))
    if is_picture:
        save_picture(options.save, panels)
        return
    width = options.width or shutil.get_terminal_size().columns
    for curves, look in panels:
        print(to_ansi(lay_out(curves, width, options.height, look), color=colored))


def _glyphs(options: argparse.Namespace) -> Glyphs:
    if options.ascii:
        return GLYPH_SETS["ascii"]
    if options.glyphs:
        return GLYPH_SETS[options.glyphs]
    return stdout_glyphs()


def _curves(
    metric: str,
    runs: Sequence[Run],
    points: dict[str, RunPoints],
    maximize: bool,
    options: argparse.Namespace,
    *,
    raw: bool,
) -> dict[str, Curve]:
    """A curve for each run that logged the metric, by its name."""
    best = (1 if maximize else -1) if options.best_so_far else 0
    form = Form(options.log_x, options.log_y, options.smoothing, best, raw)
    curves = dict[str, Curve]()
    for color, run in enumerate(runs):
        known = points[run.name]
        if metric in known.metrics:
            curves[run.name] = Curve(run.name, color, form)
            curves[run.name].extend(
                known.x(metric, _X_KINDS[options.x]), known.metrics[metric].values
            )
    return curves


def _bands(
    groups: Sequence[RunGroup[Run]], curves: dict[str, Curve], options: argparse.Namespace
) -> list[Curve | Band]:
    """A band for each group that logged the metric."""
    bands = list[Curve | Band]()
    for color, group in enumerate(groups):
        members = [curves[run.name] for run in group.runs if run.name in curves]
        if members:
            spread = Spread(options.spread)
            bands.append(Band(group.title(len(members)), color, members, spread))
    return bands


def _look(
    metric: str,
    curves: Sequence[Curve | Band],
    maximize: bool,
    options: argparse.Namespace,
    glyphs: Glyphs,
    colored: bool,
) -> Look:
    kind = _X_KINDS[options.x]
    suffix = f" (smoothed {options.smoothing:g})" if options.smoothing else ""
    if options.best_so_far:
        suffix = f" ({'most' if maximize else 'least'} so far)"
    return Look(
        title=metric + suffix,
        x_label=kind.label,
        log_x=options.log_x,
        log_y=options.log_y,
        x_range=_within(curves, options.x_range),
        glyphs=glyphs,
        quantity=kind.quantity,
        dashed=colored,  # without colours, lines bear letters
    )


def _within(
    curves: Sequence[Curve | Band], ends: tuple[float | None, float | None]
) -> tuple[float, float] | None:
    """The wanted range of x; an end that was left out is that of the data."""
    low, high = ends
    spans = [span for curve in curves if (span := curve.spans_x)]
    if (low is None and high is None) or not spans:
        return None
    return (
        min(span[0] for span in spans) if low is None else low,
        max(span[1] for span in spans) if high is None else high,
    )
