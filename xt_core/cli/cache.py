"""`xt clear cache`: make room on this machine."""

import argparse

from xt_core.cli.talk import emit_json
from xt_core.session import Session
from xt_core.shares.cache import ShareCache
from xt_core.shares.usage import trees_in_use
from xt_core.submit.snapshot.cache import SnapshotCache
from xt_core.submit.snapshot.limits import shown_size
from xt_core.submit.snapshot.zips import SnapshotZips

_IDLE_SECONDS = 60.0
"""A run that has just got its data may not have written that down yet."""


def clear_cache(session: Session, options: argparse.Namespace) -> None:
    """Remove what can be fetched again, of the team in use."""
    home = session.team_home
    nodes = [home.node(name) for name in home.node_names()]
    freed = ShareCache(home.share_cache_dir).prune(trees_in_use(nodes), _IDLE_SECONDS)
    for node in nodes:
        if node.snapshots_dir.is_dir():
            freed += SnapshotCache(node.snapshots_dir).prune(0)
        freed += SnapshotZips(node.inputs_dir).prune(0, 0)
    if options.json:
        emit_json({"freed_bytes": freed})
    else:
        print(f"{shown_size(freed)} freed")
