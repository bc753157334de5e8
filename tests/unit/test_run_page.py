"""The page of a run: its facts in the order in which they came about."""

from xt_core.model.records import Run
from xt_core.model.states import RunStatus
from xt_core.reports.pages import run_facts


def times(queued: float, started: float | None) -> list[str]:
    """What the page calls the times of a run, in order."""
    run = Run(
        "ws1", "run1", "job1", "e", "node0", RunStatus.RUNNING, 1e9, queued=queued, started=started
    )
    named = [line.split()[0] for line in run_facts(run)[1:]]
    return [name for name in named if name in ("created", "queued", "started", "requeued")]


def test_a_run_that_was_started_again_was_queued_again_before() -> None:
    assert times(1e9, None) == ["created", "queued"]
    assert times(1e9, 1e9 + 5) == ["created", "queued", "started"]
    assert times(1e9 + 9, 1e9 + 5) == ["created", "started", "requeued"]
