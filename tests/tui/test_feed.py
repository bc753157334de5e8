"""The feed: something to show at once, the rest in parts once that is seen, nodes at the end."""

from pathlib import Path
from queue import Queue

from xt_core.home import Home
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.session import Session
from xt_tui.feed import Feed
from xt_tui.state import Batch, ViewState

PATIENCE_SECONDS = 30.0


def test_the_first_rows_come_before_the_rest_and_the_nodes(tmp_path: Path) -> None:
    session = Session(home=Home(tmp_path), cwd=tmp_path, environ={})
    runs = [
        Run("ws1", f"run{number}", "job1", "e", "node0", RunStatus.COMPLETED, 1e9)
        for number in range(1, 2_301)
    ]
    session.store.add_job(Job("job1", "ws1", "e", "repeat", "local", "me", 1e9, 2_300, 1), runs, [])
    batches = Queue[Batch]()
    feed = Feed(session, lambda _feed, batch: batches.put(batch))
    state = ViewState()
    feed.start()
    try:
        told = []
        while not state.loaded:
            batch = batches.get(timeout=PATIENCE_SECONDS)
            state.apply(batch)
            feed.seen()
            told.append((len(batch.runs), len(batch.jobs), batch.status is None, batch.is_last))
    finally:
        feed.stop()
        session.close()
    assert told == [(200, 0, True, False), (2_000, 0, True, False), (300, 1, False, True)]
    names = [run.full_name for run in runs]
    assert list(state.runs) == [*names[-200:], *names[:-200]], "the newest come first"
    assert [node["name"] for node in state.nodes] == ["node0"]
