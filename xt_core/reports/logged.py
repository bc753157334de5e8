"""What runs have logged, as far as filters and messages need to know it."""

from collections.abc import Sequence
from typing import Any

from xt_core.model.records import Run
from xt_core.query.fields import Field, FieldSet
from xt_core.query.filters import Check, Filter
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.unheld import named_members, unheld_text
from xt_core.stats.store import RunQuery, StatsStore

_MOST_RUNS = 1_000
"""Of the newest runs, those whose names are known."""


def names_in(fields: FieldSet[Any], records: Sequence[Any]) -> list[str]:
    """The names that records hold, with their families."""
    return [field.name for family in fields.families for field in fields.members(family, records)]


def logged_names(store: StatsStore, workspace: str | None) -> list[str]:
    """The hyperparameters, metrics and tags of a workspace's newest runs."""
    query = RunQuery(workspace=workspace, last=_MOST_RUNS)
    return names_in(RUN_FIELDS, list(reversed(store.find_runs(query)[0])))


def tag_names(store: StatsStore, workspace: str | None) -> list[str]:
    """The tags of a workspace's jobs."""
    return [f"tags.{tag}" for job in store.jobs(workspace=workspace) for tag in job.tags]


def unlogged_texts(
    store: StatsStore, workspace: str | None, filters: Sequence[Filter[Run]], found: Sequence[Run]
) -> list[str]:
    """What to tell of names in filters that no run of a workspace holds; `found` are the runs that
    the filters left. The store is asked only of names that none of these holds."""
    named = [
        field
        for field in named_members(filters, RUN_FIELDS)
        if not any(field.exists(run, 0.0) for run in found)
        and not _is_logged(store, workspace, field)
    ]
    known = logged_names(store, workspace) if named else []
    return [text for field in named if (text := unheld_text(field, "run", known))]


def _is_logged(store: StatsStore, workspace: str | None, field: Field[Run]) -> bool:
    exists = Filter(field.name, field, Check.EXISTS)
    return bool(store.find_runs(RunQuery(workspace=workspace, filters=[exists], first=1))[0])
