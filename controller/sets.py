"""Which hyperparameters each run of a job gets on this node, and the command that they make."""

from dataclasses import replace

from controller.claims import Claims
from controller.node import NodeServices
from controller.runtask import RunTask
from controller.search import DynamicSearch
from xt_core.model.records import Job, Value, WorkItem
from xt_core.model.states import SearchStyle
from xt_core.submit.mrc import MultiRunConfig


class Sets:
    """Known beforehand, or chosen by a search when the run's turn has come."""

    def __init__(self, node: NodeServices, job: Job, mrc: MultiRunConfig, claims: Claims) -> None:
        self._node = node
        self._plan = replace(mrc.plan(), work_items=job.work_items)
        is_dynamic = self._plan.style is SearchStyle.DYNAMIC
        self._search = DynamicSearch(node, job, mrc, self._plan, claims) if is_dynamic else None

    @property
    def is_searched(self) -> bool:
        """Whether what a run logs tells which set the next one gets."""
        return self._search is not None

    @property
    def work_items(self) -> int:
        """How many items are known to have sets."""
        return self._plan.work_items

    def extend(self, work_items: int) -> None:
        """The job has so many items now."""
        self._plan = replace(self._plan, work_items=work_items)

    def close(self) -> None:
        """No more runs."""
        if self._search is not None:
            self._search.close()

    def argv(self, run_index: int, hparams: dict[str, Value]) -> list[str]:
        """The command of an item with its set."""
        return self._plan.argv(run_index, hparams)

    async def give(self, task: RunTask, claimed: WorkItem | None) -> dict[str, Value]:
        """The run's set: the one its item was given, or a new one that it is given now."""
        run, index = task.run, task.run.run_index or 0
        item = claimed
        if item is None and run.parent is not None:
            item = await self._node.store(lambda store: store.work_item(run.job, index))
        if item is not None and item.hparams is not None:
            return item.hparams
        planned = self._plan.hparams(index)
        if item is None or planned == {}:
            return planned or {}
        if planned is None:
            if task.cancelled.is_set():
                return self._plan.fallback(index)  # it will not be started
            assert self._search is not None
            task.run = await self._search.give_hparams(item, run, task.cancelled)
            return task.run.hparams
        task.run = await self._node.store(lambda store: store.set_hparams(run, item, planned, {}))
        return planned
