"""Aggregates of metrics in reports: those that a store lacks yet, and bests that have no goal."""

from collections.abc import Iterable, Sequence

from xt_core.cli.talk import note
from xt_core.model.records import Run
from xt_core.query.columns import Wildcard, parse_columns
from xt_core.query.fields import AggregateOf, FieldSet
from xt_core.query.sorting import parse_sort
from xt_core.reports.tables import Layout
from xt_core.stats.store import RunQuery, StatsStore

_RECORDS_AT_ONCE = 50_000


def named_aggregates(query: RunQuery, layout: Layout, known: FieldSet[Run]) -> list[AggregateOf]:
    """Those that a report of runs filters by, sorts by or shows. Raises UsageError for columns
    that are none."""
    fields = [each.field for each in query.filters]
    fields += [key.field for key in parse_sort(query.sort, known).keys]
    found = list[AggregateOf]()
    for spec in parse_columns(layout.columns or layout.default_columns, known):
        if not isinstance(spec, Wildcard):
            fields.append(spec.field)
        elif spec.family in known.aggregates and "." in spec.pattern:
            of, _, kind = spec.pattern.rpartition(".")
            found.append(AggregateOf(of, kind, is_certain=False))
    return [each.aggregate for each in fields if each.aggregate is not None] + found


def complete_aggregates(store: StatsStore) -> None:
    """Have the aggregates of runs that an older XT recorded; what takes long is told."""
    left = store.complete_aggregates(records=0)
    if left:
        note(f"working out the aggregates of {left} runs that an older XT recorded")
    while left:
        left = store.complete_aggregates(_RECORDS_AT_ONCE)


def tell_unknown_goals(named: Iterable[AggregateOf], runs: Sequence[Run]) -> None:
    """Say of which metrics the best is not known although they were logged, and why."""
    asked = {each.member for each in named if each.kind.startswith("best")}
    for metric in sorted(asked):
        jobs = {run.job: None for run in runs if metric in run.aggregates.keys() - run.goals.keys()}
        if jobs:
            note(
                f"{', '.join(jobs)} did not say whether {metric} is to be minimised or maximised: "
                f"metrics.{metric}.min and .max are known (--primary-metric {metric}:min says so)"
            )
