"""The sets of one search, with what came of each: the best first, unless sorted otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xt_core.model.records import Job, Run
from xt_core.model.shown import outcome
from xt_core.query.registry import RUN_FIELDS
from xt_core.reports.search import objectives_of
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.panes.runs import is_living


class SetsPane(RecordsPane[Run]):
    """Runs whose hyperparameters are those that they were given, whatever they logged."""

    MOST_LOGGED = None

    def __init__(self, job: Job, number: int, pending: Mapping[str, str]) -> None:
        """`number` is the key that leads here; `pending` what is being done about runs."""
        self.runs: dict[str, Run] = {}
        self._pending = pending
        super().__init__(
            f"{number} Sets",
            id="sets",
            noun="set",
            records=self.runs,
            fields=RUN_FIELDS,
            order=RecordOrder(RUN_FIELDS, self.runs, lambda run: run.full_name, is_living),
            selection=_best_first(job),
            empty="no run has been given a set yet",
            example="hparams.lr<.1 status=completed",
        )
        self._judged_by, self._column_text = objectives_of(job), _columns(job)

    def judge(self, job: Job) -> None:
        """Show by which metrics the job is judged now: they may be known once runs have logged."""
        if self._judged_by == objectives_of(job):
            return
        self._judged_by, self._column_text = objectives_of(job), _columns(job)
        if not self._is_ordered:
            self.selection = replace(
                self.selection, sort=_best_first(job).sort, reverse=_best_first(job).reverse
            )
        self.update_rows()

    def take(self, runs: Sequence[Run]) -> None:
        """These are new or have changed."""
        self.runs |= {run.full_name: run for run in runs}
        self.note(runs)

    def column_text(self, keys: Sequence[str]) -> str:
        return self._column_text

    def status_of(self, record: Run) -> str:
        return self._pending.get(record.full_name, outcome(record))


def _best_first(job: Job) -> Selection[Run]:
    objectives = objectives_of(job)
    if not objectives:
        return Selection("run")
    field = RUN_FIELDS.member("metrics", objectives[0].metric)
    return Selection(field.name, reverse=objectives[0].maximize)


def _columns(job: Job) -> str:
    named = [f'metrics."{objective.metric}"' for objective in objectives_of(job)]
    named += [f'hparams."{name}"' for name in job.space]
    quotable = [name for name in named if name.count('"') == 2]
    return ",".join(["run", "status", *quotable, "hparams.*", "duration"])
