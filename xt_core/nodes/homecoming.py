"""Bringing home what nodes on boxes have for the stores that this home keeps, and bringing them
what they need of those.

Everything here may be done again, and by several commands at once: a store takes each record once,
and a box is told only afterwards that it arrived.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xt_core.errors import UnavailableError, XTError
from xt_core.model.records import Job
from xt_core.model.states import RunStatus, SearchStyle
from xt_core.nodes.boxcontroller import BoxController
from xt_core.nodes.boxnodes import BoxNodes
from xt_core.nodes.parcels import Assignment, History, assignment_to_json
from xt_core.nodes.requests import NoAnswerError
from xt_core.services.stores import StoreAccess
from xt_core.stats.store import RunChange, StatsStore
from xt_core.submit.mrc import MultiRunConfig, mrc_key

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore
    from xt_core.nodes.homebound import Brought as Fetched

_SMALLEST_SHARE = 256
_LOOK_SECONDS = 5.0
_MOST_TAILS, _TAIL_SECONDS = 20, 0.1
"""How often, and after which pause, it is looked whether a node has put its last records away."""

Told = Callable[[int, int], None]
"""Told how many bytes have gone, and of how many."""


def nobody(_done: int, _total: int) -> None:
    """For who does not want to know."""


@dataclass
class Brought:
    """What came home."""

    news: int
    """How many times a run had something to tell."""
    files: int = 0
    bytes: int = 0
    refused: dict[str, XTError] = field(default_factory=dict)
    """What this home's store would not have, by key."""


class Homecoming:
    """What goes between this home's stores and the nodes on boxes. Thread-safe."""

    def __init__(
        self,
        boxes: BoxNodes,
        access: Callable[[], StoreAccess],
        store: "Callable[[], StatsStore]",
        artifacts: "Callable[[], ArtifactStore]",
    ) -> None:
        self._boxes, self._access = boxes, access
        self._store, self._artifacts = store, artifacts
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._guard = threading.Lock()
        self._working: list[str] = []
        self._look_again = 0.0

    # To a box ---------------------------------------------------------------------------

    def hand_over(self, client: BoxController, job: Job, told: Told = nobody) -> None:
        """Bring a submitted job, with all that its node needs of it.

        Raises UnavailableError and RefusedError, with the box's name.
        """
        access = self._access()
        if not access.for_box(self._boxes.home).is_kept_at_home:
            client.take_up(job.name)
            return
        self._set_untold(client.name, job.name, is_due=True)
        mrc_text = self._artifacts().get_bytes(mrc_key(job.workspace, job.name))
        mrc = MultiRunConfig.from_json(mrc_text)
        if access.artifacts is None:
            from xt_core.nodes.inputs import send_inputs

            send_inputs(client, self._artifacts(), mrc, client.name, told)
        assignment = None if access.stats is not None else self._assignment(job, mrc, client.name)
        client.take_up(job.name, assignment)
        self._set_untold(client.name, job.name, is_due=False)

    def _set_untold(self, box: str, job: str, *, is_due: bool) -> None:
        """Keep whether a job is to be handed over; what is to be is due at the box."""
        others = [name for name in self._boxes.records.get(box).untold if name != job]
        if is_due:
            self._boxes.records.update(box, is_due=True, untold=[*others, job])
        else:
            self._boxes.records.update(box, untold=others)

    def _assignment(self, job: Job, mrc: MultiRunConfig, node: str) -> str:
        store = self._store()
        first = store.run(job.workspace, mrc.nodes[node].run)
        names = self._learned_jobs(job, mrc) if job.style == SearchStyle.DYNAMIC else []
        histories = [
            History(each, store.search_history([each.name]))
            for each in (store.jobs(names) if names else [])
        ]
        return assignment_to_json(Assignment(job, [first], histories))

    def _learned_jobs(self, job: Job, mrc: MultiRunConfig) -> list[str]:
        """Whose runs the job's search learns from, beside its own."""
        names = set(job.warm_start)
        if mrc.learn_from == "experiment":
            store = self._store()
            names |= {
                each.name
                for each in store.jobs(workspace=job.workspace)
                if each.experiment == job.experiment and each.style == SearchStyle.DYNAMIC
            }
        return sorted(names - {job.name})

    # From a box -------------------------------------------------------------------------

    def due(self) -> list[str]:
        """The boxes that may have something for this home's stores."""
        known = self._boxes.known()
        if not known or not self._access().for_box(self._boxes.home).is_kept_at_home:
            return []
        return [name for name in known if self._is_due(name)]

    def working(self) -> list[str]:
        """The boxes that are due, and those with unfinished jobs, whoever keeps the stores: one
        that was restarted does not go on before its controller is started again."""
        known = self._boxes.known()
        if not known or self._access().for_box(self._boxes.home).is_kept_at_home:
            return self.due()
        if time.monotonic() >= self._look_again:
            self._look_again = time.monotonic() + _LOOK_SECONDS
            with contextlib.suppress(UnavailableError):  # as far as was known before, then
                self._working = [name for name in known if self._store().open_jobs(name)]
        return self._working

    def _is_due(self, name: str) -> bool:
        return self._boxes.records.get(name).is_due or bool(self._store().open_jobs(name))

    def _is_unfinished(self, name: str) -> bool:
        return bool(self._boxes.records.get(name).untold or self._store().open_jobs(name))

    def ensure_running(self, client: BoxController) -> None:
        """Have a controller on a box that can go on with what it has begun."""
        client.ensure_running(needs=self.needs_of(self._store().open_jobs(client.name)))

    def hand_over_again(self, client: BoxController, only: set[str] | None = None) -> bool:
        """Hand over the jobs of which the node has told nothing, and those that were extended in
        vain: whoever submitted them may have died before the box knew of them. One that it knows
        is not done twice. Of some names `only` those; whether there were any."""
        store = self._store()
        untold = set(self._boxes.records.get(client.name).untold)
        for job in store.open_jobs(client.name):
            first = [run for run in store.open_runs(job.name, client.name) if run.parent is None]
            if first and all(run.status is RunStatus.QUEUED for run in first):
                untold.add(job.name)
        if only is not None:
            untold &= only
        for job in store.jobs(sorted(untold)) if untold else ():
            self.hand_over(client, job)
        return bool(untold)

    def bring_stats(self, name: str) -> int:
        """Take in what the node on a box has to tell; how many times a run had something.

        Raises UnavailableError and RefusedError, with the box's name.
        """
        if self._access().stats is not None:
            return 0
        client, store = self._boxes.of(name), self._store()
        told, share = 0, 1
        with self._lock_of(name, "stats"):
            while True:
                try:
                    deliveries, cursor = client.news(share)
                except NoAnswerError:  # over a bad link a small batch may still arrive
                    if share >= _SMALLEST_SHARE:
                        raise
                    share *= 4
                    continue
                if not deliveries:
                    return told
                store.deliver(deliveries)
                client.took_news(cursor)
                told += len(deliveries)

    def bring_files(self, name: str, told: Told = nobody) -> "Fetched":
        """Fetch the files that wait on a box, which then is due no more unless it goes on with a
        job; raises as `bring_stats`."""
        from xt_core.nodes.homebound import Brought as Fetched

        fetched, client = Fetched(), self._boxes.of(name)
        for _ in range(_MOST_TAILS):
            is_idle = not client.status()["nodes"][0]["jobs"]
            if self._access().artifacts is None:
                self._fetch(client, fetched, told)
            if is_idle or self._is_unfinished(name):
                break
            time.sleep(_TAIL_SECONDS)  # a job has ended, and its records are about to be put away
        if is_idle and not fetched.refused and not self._is_unfinished(name):
            self._boxes.records.update(name, is_due=False)
        return fetched

    def _fetch(self, client: BoxController, fetched: "Fetched", told: Told) -> None:
        from xt_core.nodes.homebound import bring_artifacts_home

        drafts = self._boxes.home.arriving_dir(client.name)
        with self._lock_of(client.name, "files"):
            more = bring_artifacts_home(client, self._artifacts(), drafts, told)
        fetched.artifacts += more.artifacts
        fetched.bytes += more.bytes
        fetched.refused |= more.refused

    def bring_all(self, name: str, told: Told = nobody, *, again: bool = False) -> Brought:
        """Bring all that a box has; with `again` also the records that came before. Raises as
        `bring_stats`."""
        client = self._boxes.of(name)
        self.ensure_running(client)
        if again and self._access().stats is None:
            client.tell_all_again()
        news = self.bring_stats(name)
        self.hand_over_again(client)
        fetched = self.bring_files(name, told)
        return Brought(news, fetched.artifacts, fetched.bytes, fetched.refused)

    def refresh(self, names: Sequence[str], patience: float) -> dict[str, XTError]:
        """Take in what boxes have to tell, all at once; what went wrong, by box, also with one
        that has not answered within `patience` seconds."""
        outcomes: dict[str, XTError | None] = {}
        changed = threading.Condition()

        def bring(name: str) -> None:
            outcome = self._refreshed(name)
            with changed:
                outcomes[name] = outcome
                changed.notify_all()

        for name in names:
            threading.Thread(target=bring, args=(name,), daemon=True).start()
        with changed:
            changed.wait_for(lambda: len(outcomes) == len(names), patience)
            late = UnavailableError(f"no answer within {patience:g} s")
            found = {name: outcomes.get(name, late) for name in names}
        return {name: error for name, error in found.items() if error is not None}

    def _refreshed(self, name: str) -> XTError | None:
        try:
            client = self._boxes.of(name)
            self.ensure_running(client)
            self.bring_stats(name)
            self.hand_over_again(client)
        except XTError as error:
            return error
        return None

    def give_up(self, name: str) -> list[str]:
        """Count what a box has not ended as cancelled, since it will not come back, and forget the
        box; the runs' names. Of jobs that machines share the others take care. What the box tells
        should it come back all the same, counts."""
        store, error = self._store(), f"{name} was given up"
        given_up = []
        with store.batch():
            for job in store.open_jobs(name):
                if job.is_shared_by_machines:
                    continue
                store.cancel_part(job.name, name)
                for run in store.open_runs(job.name, name):
                    change = RunChange(run.workspace, run.name, RunStatus.CANCELLED, "ended")
                    change.data = {"status": RunStatus.CANCELLED, "error": error}
                    change.fields = {"error": error}
                    store.change_run(change)
                    given_up.append(run.full_name)
        self._boxes.records.forget(name)
        return given_up

    def needs_of(self, jobs: Sequence[Job]) -> list[str]:
        """Which layers of packages nodes need for jobs, beside those for the stores."""
        from xt_core.bootstrap.needs import SEARCH

        return [SEARCH] if any(job.style == SearchStyle.DYNAMIC for job in jobs) else []

    def _lock_of(self, name: str, what: str) -> threading.Lock:
        """Of this process one thread at a time takes in what a box has."""
        with self._guard:
            return self._locks.setdefault((name, what), threading.Lock())
