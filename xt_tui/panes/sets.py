"""The sets of one search, with what came of each: the best first, unless sorted otherwise."""

from collections.abc import Mapping, Sequence

from xt_core.model.records import Job, Run
from xt_core.query.registry import RUN_FIELDS
from xt_core.reports.search import objectives_of
from xt_tui.order import RecordOrder, Selection
from xt_tui.panes.records import RecordsPane
from xt_tui.panes.runs import is_living
from xt_tui.state import outcome


class SetsPane(RecordsPane[Run]):
    """Runs whose hyperparameters are those that they were given, whatever they logged."""

    def __init__(self, job: Job, number: int, pending: Mapping[str, str]) -> None:
        """`number` is the key that leads here; `pending` what is being done about runs."""
        self.runs: dict[str, Run] = {}
        self._pending = pending
        objectives = objectives_of(job)
        primary = objectives[0] if objectives else None
        sort = Selection[Run]("run")
        if primary is not None:
            field = RUN_FIELDS.member("metrics", primary.metric)
            sort = Selection(field.name, reverse=primary.maximize)
        super().__init__(
            f"{number} Sets",
            id="sets",
            noun="set",
            records=self.runs,
            fields=RUN_FIELDS,
            order=RecordOrder(RUN_FIELDS, self.runs, lambda run: run.full_name, is_living),
            selection=sort,
            empty="no run has been given a set yet",
            example="hparams.lr<.1 status=completed",
        )
        named = [f'metrics."{objective.metric}"' for objective in objectives]
        named += [f'hparams."{name}"' for name in job.space]
        quotable = [name for name in named if name.count('"') == 2]
        self._column_text = ",".join(["run", "status", *quotable, "hparams.*", "duration"])

    def take(self, runs: Sequence[Run]) -> None:
        """These are new or have changed."""
        self.runs |= {run.full_name: run for run in runs}
        self.note(runs)

    def column_text(self, keys: Sequence[str]) -> str:
        return self._column_text

    def status_of(self, record: Run) -> str:
        return self._pending.get(record.full_name, outcome(record))
