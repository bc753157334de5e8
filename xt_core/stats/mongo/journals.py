"""Journals in MongoDB: metric records in bucket documents of bounded size.

A bucket holds up to 500 records or 64 KiB of a run, in journal order; its `_id` is the run and
its first record's offset. The run's document knows its last bucket (`tail`), so that records are
appended without a look at it. Records are written before the run's document says so; what a crash
in between left behind is found when they come again: an append asks that the bucket ends where
the run's document says, and where it does not, or where records come late, the offsets stored are
compared (`_add_missing`). A run that got records late is `tangled`: its buckets may interleave.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pymongo import InsertOne, UpdateOne

from xt_core.model.aggregates import Aggregate, add_records
from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Event, MetricRecord
from xt_core.stats.mongo.documents import field_to_bson, record_key, run_from_document, run_key
from xt_core.stats.mongo.runs import complete_change, existing, update_of
from xt_core.stats.mongo.schema import Collections, Document
from xt_core.stats.mongo.values import field_name, to_bson
from xt_core.stats.mongo.writes import bulk, new_token
from xt_core.stats.store import JournalBatch

_MOST_RECORDS, _LARGEST_BUCKET = 500, 64 << 10
_Point = tuple[int, float, float | None, str]


class Tail(NamedTuple):
    """A run's last bucket."""

    first: int
    last: int
    records: int
    size: int


@dataclass
class Series:
    """The records that one run gets, and where its document says that it stands."""

    run: str
    records: Sequence[MetricRecord]
    tail: Tail | None
    tangled: bool = False
    added: int = 0

    @classmethod
    def of(cls, key: str, run: Document | None, records: Sequence[MetricRecord]) -> "Series":
        tail = run.get("tail") if run else None
        is_tangled = bool(run and run.get("tangled"))
        return cls(key, records, Tail(*tail) if tail else None, is_tangled)

    def fields(self) -> Document:
        """What the run's document is to say afterwards."""
        fields: Document = {"tail": list(self.tail)} if self.tail else {}
        return fields | ({"tangled": True} if self.tangled else {})


def add(c: Collections, batch: JournalBatch, token: str) -> None:
    """See `StatsStore.add_journal`."""
    key = run_key(batch.workspace, batch.run)
    while True:
        run = existing(c, batch.workspace, batch.run)
        if token in run["recent"]:
            break
        if run["journal_end"] > batch.start:
            return
        before = _aggregates(c, run, batch.start)
        series = Series.of(key, run, batch.metrics)
        append(c, [series])
        events = [
            Event(seq, *event) for seq, event in enumerate(batch.events, run["last_event"] + 1)
        ]
        fields = _logged(batch) | series.fields() | {"journal_end": batch.end}
        fields["aggregates"] = field_to_bson("aggregates", add_records(before, batch.metrics))
        fields["lacks_aggregates"] = False
        guard = {name: run[name] for name in ("_id", "version", "last_event")}
        if c.runs.update_one(guard, update_of(fields, events, token)).matched_count:
            break
    complete_change(c, existing(c, batch.workspace, batch.run))


def _logged(batch: JournalBatch) -> Document:
    """The last values by their paths: beside others, not instead of them."""
    last: dict[str, Any] = {}
    for record in batch.metrics:
        last |= record.values
    families = {"hparams": batch.hparams, "metrics": last, "tags": batch.tags}
    return {
        f"{family}.{field_name(name)}": to_bson(value)
        for family, values in families.items()
        for name, value in values.items()
    }


def _aggregates(c: Collections, run: Document, end: int) -> Mapping[str, Aggregate]:
    """Those of the records before byte `end` of the journal."""
    if not run.get("lacks_aggregates"):
        return run_from_document(run).aggregates
    records = metrics(c, run["workspace"], run["name"], -1, None)
    return add_records({}, (record for record in records if record.offset < end))


def complete_aggregates(c: Collections, records: int | None) -> int:
    """See `StatsStore.complete_aggregates`: each run's by compare-and-set."""
    lacking, read = {"lacks_aggregates": True}, 0
    while records is None or read < records:
        run = c.runs.find_one(lacking, sort=[("num", -1), ("child", -1)])
        if run is None:
            return 0
        known = metrics(c, run["workspace"], run["name"], -1, None)
        fields = {
            "aggregates": field_to_bson("aggregates", add_records({}, known)),
            "lacks_aggregates": False,
        }
        guard = {"_id": run["_id"], "version": run["version"]}
        if c.runs.update_one(guard, update_of(fields, [], new_token())).matched_count:
            complete_change(c, existing(c, run["workspace"], run["name"]))
        read += max(1, len(known))
    return c.runs.count_documents(lacking)


def append(c: Collections, all_series: Sequence[Series]) -> None:
    """Store what is not stored yet; each series knows its new tail then."""
    writes: list[Any] = []
    late = [s for s in all_series if s.records and s.tail and s.records[0].offset <= s.tail.last]
    for series in all_series:
        if series.records and series not in late:
            writes += _appends(series)
    if bulk(c.metrics, writes) < len(writes):  # some stand elsewhere than their runs say
        late = [series for series in all_series if series.records]
    for series in late:
        _add_missing(c, series)


def _appends(series: Series) -> list[Any]:
    """Fill the last bucket, then make new ones."""
    points = [_point(record) for record in series.records]
    writes: list[Any] = []
    tail = series.tail
    if tail is not None:
        taken, size = _fitting(points, tail.records, tail.size)
        if taken:
            last = points[taken - 1][0]
            key = {"_id": record_key(series.run, tail.first), "last": tail.last}
            pushed = {"$push": {"points": {"$each": points[:taken]}}, "$set": {"last": last}}
            writes.append(UpdateOne(key, pushed))
            tail, points = Tail(tail.first, last, tail.records + taken, size), points[taken:]
    buckets, new_tail = _buckets(series.run, points)
    series.tail, series.added = new_tail or tail, len(series.records)
    return writes + [InsertOne(bucket) for bucket in buckets]


def _buckets(run: str, points: list[_Point]) -> tuple[list[Document], Tail | None]:
    buckets: list[Document] = []
    tail = None
    while points:
        taken, size = _fitting(points, 0, 0)
        first, last = points[0][0], points[taken - 1][0]
        bucket = {"_id": record_key(run, first), "run": run, "first": first, "last": last}
        buckets.append(bucket | {"points": points[:taken]})
        tail, points = Tail(first, last, taken, size), points[taken:]
    return buckets, tail


def _fitting(points: Sequence[_Point], count: int, size: int) -> tuple[int, int]:
    """How many points a bucket still takes, and its size in bytes then; an empty one takes one."""
    taken = 0
    for point in points[: _MOST_RECORDS - count]:
        larger = size + len(point[3]) + 48
        if larger > _LARGEST_BUCKET and count + taken:
            break
        size = larger
        taken += 1
    return taken, size


def _add_missing(c: Collections, series: Series) -> None:
    """Compare with all that is stored from the first record on, and add the rest."""
    first, last = series.records[0].offset, series.records[-1].offset
    stored = {point[0] for bucket in c.metrics.find({"run": series.run, "last": {"$gte": first}})
              for point in bucket["points"]}  # fmt: skip
    missing = [record for record in series.records if record.offset not in stored]
    series.added = len(missing)
    is_late = bool(stored) and last < max(stored)
    series.tangled = series.tangled or bool(missing and is_late)
    buckets, _ = _buckets(series.run, [_point(record) for record in missing])
    bulk(c.metrics, [InsertOne(bucket) for bucket in buckets])
    series.tail = _actual_tail(c, series.run)


def _actual_tail(c: Collections, run: str) -> Tail | None:
    found = c.metrics.find_one({"run": run}, sort=[("last", -1)])
    if found is None:
        return None
    size = sum(len(point[3]) + 48 for point in found["points"])
    return Tail(found["first"], found["last"], len(found["points"]), size)


def _point(record: MetricRecord) -> _Point:
    return record.offset, record.time, record.step, dumps(record.values)


def metrics(
    c: Collections, workspace: str, name: str, after: int, limit: int | None
) -> list[MetricRecord]:
    """See `StatsStore.metrics`."""
    run = existing(c, workspace, name, "tangled")
    buckets = c.metrics.find({"run": run["_id"], "last": {"$gt": after}}).sort("last", 1)
    if run.get("tangled"):
        points = iter(sorted(_points(buckets, after), key=lambda point: point[0]))
    else:
        points = _points(buckets, after)
    records: list[MetricRecord] = []
    for offset, time, step, values in points:
        if limit is not None and len(records) >= limit:
            break
        if not records or records[-1].offset != offset:  # two may have delivered it at once
            records.append(MetricRecord(offset, time, step, loads(values)))
    return records


def _points(buckets: Iterable[Document], after: int) -> Iterator[_Point]:
    for bucket in buckets:
        yield from (tuple(point) for point in bucket["points"] if point[0] > after)
