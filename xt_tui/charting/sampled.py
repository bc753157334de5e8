"""What runs use of their machines, as a source of points beside what they logged."""

from collections.abc import Sequence

from xt_core.model.records import MetricRecord, Run
from xt_core.model.samples import PREFIX
from xt_core.session import Session
from xt_tui.charting.points import Source

_A_SECOND = 1000
"""Offsets of samples are milliseconds, to which their times are rounded."""


def sampled(session: Session) -> Source:
    """The samples of runs as records of metrics named ``system.…``, their times as offsets."""

    def read(run: Run, after: int) -> Sequence[MetricRecord]:
        from xt_core.system import ALL, run_samples

        samples = run_samples(session, run, ALL if after < 0 else after / _A_SECOND)
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
