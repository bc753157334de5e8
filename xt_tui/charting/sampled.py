"""What runs use of their machines, and machines in all, as a source of points beside what was
logged."""

from collections.abc import Sequence

from xt_core.errors import UnavailableError
from xt_core.model.records import MetricRecord
from xt_core.model.samples import PREFIX, Sample
from xt_core.session import Session
from xt_tui.charting.drawn import Drawn, Machine
from xt_tui.charting.points import Source

_A_SECOND = 1000
"""Offsets of samples are milliseconds, to which their times are rounded."""
_PATIENCE_SECONDS = 2.0
"""With a node: others' samples wait meanwhile."""


def sampled(session: Session) -> Source:
    """The samples of runs and machines as records of metrics named ``system.…``, their times as
    offsets."""

    def read(drawn: Drawn, after: int) -> Sequence[MetricRecord]:
        from xt_core.system import ALL, run_samples

        begin = ALL if after < 0 else after / _A_SECOND
        if isinstance(drawn, Machine):
            samples = _of_machine(session, drawn.node, begin)
        else:
            samples = run_samples(session, drawn, begin)
        return [
            MetricRecord(
                round(sample.time * _A_SECOND),
                sample.time,
                None,
                {f"{PREFIX}{name}": value for name, value in sample.values.items()},
            )
            for sample in samples
            if round(sample.time * _A_SECOND) > after
        ]

    return read


def _of_machine(session: Session, node: str, after: float) -> list[Sample]:
    from xt_core.nodes.requests import NoAnswerError
    from xt_core.system import node_samples

    try:
        return node_samples(session, node, after, _PATIENCE_SECONDS)
    except NoAnswerError as error:
        if isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError):
            raise UnavailableError(
                f"{node} has no controller: s in the nodes pane starts one"
            ) from error
        raise
