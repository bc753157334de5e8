"""What runs and machines use: series by name, such as ``system.cpu_percent``; see
`xt_core.model.samples` for the names.

Those of a living run are with its node, those of one that has ended in the team's artifact store.
"""

import contextlib
import math

from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.home import is_own_node
from xt_core.model.records import Run
from xt_core.model.samples import Sample, SystemSeries, samples_from
from xt_core.nodes.outbox import waiting_file
from xt_core.nodes.requests import STATUS_SECONDS
from xt_core.nodes.streams import SampleStream
from xt_core.session import Session

ALL = -math.inf
"""The position before the first sample."""


def run_series(session: Session, run: Run, after: float = ALL) -> SystemSeries:
    """What a run used, of later than a position (a time; `SystemSeries.position` goes on).

    Raises UnavailableError where the run lives on a node that cannot be reached.
    """
    series = SystemSeries(position=after)
    series.add(run_samples(session, run, after))
    return series


def run_samples(session: Session, run: Run, after: float = ALL) -> list[Sample]:
    """As `run_series`, sample by sample; none for a run that was too short, or was not sampled."""
    if run.status.is_final and (stored := _stored(session, run, after)) is not None:
        return stored
    if not session.reaches_run(run):
        if run.status.is_final:
            return []
        raise UnavailableError(
            f"what {run.name} uses is known to its node, {run.node}, which is out of reach here",
            "once it has ended its samples are in the team's storage",
        )
    if is_own_node(run.node):
        return _of_folder(session, run, after)
    try:
        with contextlib.closing(_stream(session, run, after, follow=False)) as stream:
            return list(stream)
    except UnknownNameError:  # it has ended, or was not started yet
        return _stored(session, run, after) or []


def follow_run(session: Session, run: Run, after: float = ALL) -> SampleStream:
    """What a living run uses, as it is sampled, until it has ended. The stream raises
    UnavailableError when the controller goes, and UnknownNameError for a run that does not live."""
    return _stream(session, run, after, follow=True)


def follow_node(session: Session, node: str, after: float = ALL) -> SampleStream:
    """What the machine of a node uses, for ever. Raises UnavailableError, as the stream does."""
    return session.controllers.of(node).samples(None, after, follow=True)


def node_samples(
    session: Session, node: str, after: float = ALL, patience: float = STATUS_SECONDS
) -> list[Sample]:
    """What the machine of a node used, of later than a position; the last hour is known. Raises
    UnavailableError for a node that has no controller, or where that does not answer in `patience`
    seconds."""
    client = session.controllers.of(node)
    stream = client.samples(None, after, follow=False, patience=patience)
    with contextlib.closing(stream):
        return list(stream)


def _stream(session: Session, run: Run, after: float, *, follow: bool) -> SampleStream:
    client = session.controllers.of_run(run)
    return client.samples((run.workspace, run.name), after, follow=follow)


def _of_folder(session: Session, run: Run, after: float) -> list[Sample]:
    """From the run's folder on this machine, whether or not there is a controller."""
    runs_dir = session.team_home.node(run.node).runs_dir
    try:
        content = (runs_dir / run.workspace / run.name / "system.jsonl").read_bytes()
    except OSError:
        return _stored(session, run, after) or []
    return samples_from(content.splitlines(), after)


def _stored(session: Session, run: Run, after: float) -> list[Sample] | None:
    """From the team's artifact store, or on its way there from this machine; None where there are
    none."""
    key = f"{run.workspace}/runs/{run.name}/logs/system.jsonl"
    if is_own_node(run.node):
        waiting = waiting_file(session.team_home.node(run.node).outbox_dir, key)
        with contextlib.suppress(OSError):  # it has arrived
            if waiting is not None:
                return samples_from(waiting.read_bytes().splitlines(), after)
    try:
        return samples_from(session.artifacts.get_bytes(key).splitlines(), after)
    except UnknownNameError:
        return None
