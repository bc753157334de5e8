"""Changes of runs: in which order they are made, and how they are followed by revision.

One change is three writes, in this order:

1. the run's document says the new thing, and is `dirty` with the change's token;
2. what follows from it is written elsewhere (`items.follow`: the item of a run that has ended, the
   parent's event of a child that was born), and a revision is taken from the counter;
3. the run gets the revision and is dirty no more, unless a later change made it dirty again.

After a crash between them the run stays dirty; whoever meets it (`settle`, `Follower`) makes 2
and 3, which are harmless to repeat.

Revisions become visible out of order, and no reader misses a change for it: a change with a
revision up to R was visible (1) before R was taken (2). A reader takes the counter, then reads
the dirty runs, then those with revisions up to the counter. A change up to there is either among
the latter or its run is dirty still, and is handed on as it is now; the reader may see it again
later. No clock is involved, nor any order among writers.
"""

from collections.abc import Sequence

from pymongo import UpdateOne

from xt_core.stats.mongo import items
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.writes import REVISIONS, bulk, count_up, counted

DIRTY: Document = {"$gt": ""}


def finish(c: Collections, runs: Sequence[Document]) -> None:
    """Steps 2 and 3 for runs as step 1 left them; sets their `revision`."""
    if not runs:
        return
    items.follow(c, runs)
    last = count_up(c, REVISIONS, len(runs))
    for revision, run in enumerate(runs, last - len(runs) + 1):
        run["revision"] = revision
    bulk(
        c.runs,
        (
            UpdateOne(
                {"_id": run["_id"], "dirty": run["dirty"]},
                {"$set": {"revision": run["revision"]}, "$unset": {"dirty": "", "newborn": ""}},
            )
            for run in runs
        ),
    )


def settle(c: Collections, job_num: int) -> None:
    """Finish what changes of a job's runs left behind, whoever made them."""
    finish(c, list(c.runs.find({"dirty": DIRTY, "job_num": job_num})))


class Follower:
    """Reads what has changed. Finishes changes that two of its looks in a row found unfinished:
    most of them are being finished right now."""

    def __init__(self) -> None:
        self._unfinished: set[str] = set()

    def changed(
        self, c: Collections, after: int, limit: int | None, where: Document
    ) -> list[Document]:
        """Runs changed after a revision, oldest change first; those whose change has no revision
        yet come last, with the one to go on from."""
        last = counted(c, REVISIONS)
        dirty = list(c.runs.find({"dirty": DIRTY, **where}))
        span = {"revision": {"$gt": after, "$lte": last}}
        cursor = c.runs.find({**span, **where}).sort("revision", 1)
        settled = list(cursor if limit is None else cursor.limit(limit))
        position = last if limit is None or len(settled) < limit else settled[-1]["revision"]
        stale = [run for run in dirty if run["dirty"] in self._unfinished]
        self._unfinished = {run["dirty"] for run in dirty} - {run["dirty"] for run in stale}
        names = {run["_id"] for run in dirty}
        found = [run for run in settled if run["_id"] not in names]
        found += [{**run, "revision": position} for run in dirty]
        finish(c, stale)
        return found
