"""What reports leave out: runs and jobs that were put away, unless they are asked for."""

import argparse
from dataclasses import replace

from xt_core.annotations import not_archived
from xt_core.query.registry import RUN_FIELDS
from xt_core.session import Session
from xt_core.stats.store import RunQuery
from xt_core.tags import ARCHIVED


def asks_for_archived(options: argparse.Namespace, by_name: bool) -> bool:
    """Whether the user wants them: by the option, by a filter on the tag, or (`by_name`) since each
    one is named."""
    by_filter = any(f"tags.{ARCHIVED}" in text for text in options.filter)
    return bool(options.archived) or by_name or by_filter


def without_archived(session: Session, query: RunQuery) -> RunQuery:
    """The query that leaves them out; the same one where nothing is archived, since a filter is a
    look at every run."""
    is_archived = replace(not_archived(RUN_FIELDS), negated=False)
    probe = RunQuery(workspace=query.workspace, filters=[is_archived], parents=None, first=1)
    if not session.store.find_runs(probe)[1]:
        return query
    return replace(query, filters=[*query.filters, not_archived(RUN_FIELDS)])
