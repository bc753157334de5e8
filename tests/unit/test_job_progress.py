"""How far a job is, as the jobs pane shows it."""

from xt_core.model.records import Job, JobCounts
from xt_core.query.registry import JobRow
from xt_tui.panes.jobs import progress


def test_what_failed_or_was_cancelled_has_ended_but_is_no_progress() -> None:
    job = Job("job1", "ws1", "e", "repeat", "local", "ada", 1e9, 4, 1)
    row = JobRow(job, JobCounts(completed=1, error=1, cancelled=1, running=1))
    assert (progress(row), row.done, row.progress) == ("3/4 1✘ 1■", 0.75, 0.25)
    nothing_ran = JobRow(job, JobCounts(cancelled=4, failed_parents=1))
    assert (progress(nothing_ran), nothing_ran.progress) == ("4/4 4■", 0.0)
