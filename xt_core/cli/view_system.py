"""`xt view system`: what a run or a node's machine uses, over time."""

import argparse
import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xt_core import clock
from xt_core.cli.names import one_run
from xt_core.cli.parser import Parser, add_workspace, count
from xt_core.cli.talk import emit_json, note
from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.home import is_own_node, may_be_box
from xt_core.model.names import RUN_NAME
from xt_core.model.samples import PREFIX, Sample, SystemSeries
from xt_core.query.formats import exact_time
from xt_core.reports.system import amount, system_table
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.model.records import Run
    from xt_core.nodes.heartbeat import Heartbeat

_FOLLOWED_FROM = 10
"""With `--follow`, so many samples that were there before are lines too."""
_NO_SAMPLES = {
    "run": "it was shorter than logging.sample-seconds, or that is 0; its event `ended` has totals",
    "node": "the first comes logging.sample-seconds after its controller began, unless that is 0",
}
_NAMES_HINT = "xt list runs and xt list nodes show those there are"


def add_system_options(parser: Parser) -> None:
    parser.add_argument("name", metavar="RUN|NODE", help="such as run3, node0 or a box")
    parser.add_argument("--follow", action="store_true", help="a line a sample, until it ends")
    parser.add_argument("--last", type=count, metavar="N", help="only the last N samples")
    add_workspace(parser)


def view_system(session: Session, options: argparse.Namespace) -> None:
    """The noun of `xt view`. Raises UnknownNameError for what is neither a run nor a node."""
    if options.name in session.controllers.known():
        _view_node(session, options)
    elif may_be_box(options.name) and not RUN_NAME.fullmatch(options.name):
        raise UnknownNameError(f"{options.name} is neither a run nor a node", _NAMES_HINT)
    elif is_own_node(options.name):
        raise UnknownNameError(f"{options.name} has had no controller here", _NAMES_HINT)
    else:
        _view_run(session, options)


def _view_run(session: Session, options: argparse.Namespace) -> None:
    from xt_core.system import run_samples

    run = one_run(session, options.name, or_here=True)
    samples = run_samples(session, run)
    if options.follow:
        _show_lines(_cut(samples, options), options)
        last = samples[-1].time if samples else float("-inf")
        _show_lines(_run_from(session, run, last), options)
    else:
        _show(_cut(samples, options), "run", run.name, options)


def _view_node(session: Session, options: argparse.Namespace) -> None:
    from xt_core.system import ALL, follow_node, node_samples

    node: str = options.name
    if is_own_node(node):
        session.controllers.ensure_running([node])
    samples = node_samples(session, node)
    if options.follow:
        _show_lines(_cut(samples, options), options)
        last = samples[-1].time if samples else ALL
        with _heartbeat(session, node), contextlib.closing(follow_node(session, node, last)) as new:
            _show_lines(new, options)
    else:
        _show(_cut(samples, options), "node", node, options)


def _run_from(session: Session, run: "Run", after: float) -> Iterator[Sample]:
    """Samples of a run of later than a time, until it has ended. A controller of this machine that
    goes away meanwhile is started again."""
    from xt_core.system import follow_run, run_samples

    while not run.status.is_final:
        if is_own_node(run.node):
            session.controllers.ensure_running([run.node])
        try:
            stream = follow_run(session, run, after)
            with _heartbeat(session, run.node), contextlib.closing(stream):
                for sample in stream:
                    after = sample.time
                    yield sample
        except UnknownNameError:  # it was not started yet, or has just ended
            with contextlib.suppress(StopIteration, UnavailableError):
                next(iter(session.controllers.changes([run.node])))
        except UnavailableError:
            if not is_own_node(run.node):
                raise
        run = session.run(run.workspace, run.name)
    yield from run_samples(session, run, after)


def _heartbeat(session: Session, node: str) -> "Heartbeat":
    """Boxes have another one: their links'."""
    from xt_core.nodes.heartbeat import Heartbeat
    from xt_core.nodes.requests import nobody

    return Heartbeat(session.controllers.of(node), note if is_own_node(node) else nobody)


def _cut(samples: list[Sample], options: argparse.Namespace) -> list[Sample]:
    last = options.last
    if last is None and options.follow and not options.json:
        last = _FOLLOWED_FROM
    return samples if last is None else samples[max(0, len(samples) - last) :]


def _show_lines(samples: Iterable[Sample], options: argparse.Namespace) -> None:
    for sample in samples:
        if options.json:
            values = {PREFIX + name: value for name, value in sample.values.items()}
            emit_json({"time": clock.iso(sample.time), "seconds": sample.seconds} | values)
        else:
            texts = (f"{name} {amount(name, value)}" for name, value in sample.values.items())
            print(f"{exact_time(sample.time)}  {'  '.join(texts)}")
        sys.stdout.flush()


def _show(samples: list[Sample], kind: str, name: str, options: argparse.Namespace) -> None:
    series = SystemSeries()
    series.add(samples)
    if options.json:
        emit_json(
            {
                kind: name,
                "system": {
                    each: {"time": [clock.iso(time) for time in times], "value": values}
                    for each, (times, values) in series.series.items()
                },
            }
        )
    elif not samples:
        note(f"no samples of {name}: {_NO_SAMPLES[kind]}")
    else:
        from xt_core.reports.tables import terminal_width

        print("\n".join(system_table(series, terminal_width())))
