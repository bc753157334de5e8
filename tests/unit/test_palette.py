"""What the command palette finds, in which order."""

from collections.abc import Sequence

import pytest

from xt_tui.palette import MOST_HITS, Key, Kind, found

RUNS = Kind("run", {f"ws1/run{n}": n for n in range(100_000)}, lambda name: None)
VIEWS = Kind("view", ["lr", "best lr", "broken runs"], lambda name: None)
JOB_VIEWS = Kind("jobs view", ["best"], lambda name: None)
METRICS = Kind("metric", ["loss", "val/loss", "loss-ema"], lambda name: None)
ACTIONS = Kind(
    "",
    ["cancel", "unmark", "rerun"],
    lambda name: None,
    titles={"cancel": "cancel", "unmark": "unmark all", "rerun": "rerun"},
    texts={"cancel": "stop runs", "unmark": "forget the marks", "rerun": "launch it again"},
    is_listed=True,
)
KINDS = [ACTIONS, VIEWS, JOB_VIEWS, METRICS, RUNS]


def keys(query: str, recent: Sequence[Key] = ()) -> list[Key]:
    return [hit.key for hit in found(KINDS, query, recent)]


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("run WS1 99999", [("run", "ws1/run99999")]),
        ("loss", [("metric", "loss"), ("metric", "val/loss"), ("metric", "loss-ema")]),
        ("metric ema", [("metric", "loss-ema")]),
        ("view", [("view", "lr"), ("view", "best lr"), ("view", "broken runs"),
                  ("jobs view", "best")]),
        ("best", [("jobs view", "best"), ("view", "best lr")]),
        ("UNMARK all", [("", "unmark")]),
        ("forget", [("", "unmark")]),
        ("stop runs", [("", "cancel")]),
        ("moon", []),
    ],
)  # fmt: skip
def test_all_words_are_found_whole_names_first(query: str, hits: list[Key]) -> None:
    assert keys(query) == hits


def test_no_more_is_found_than_can_be_looked_at() -> None:
    assert len(keys("run")) <= MOST_HITS
    names = [name for _, name in keys("run77")]
    assert names[:4] == ["ws1/run77", "ws1/run770", "ws1/run771", "ws1/run772"]
    assert len(names) == 41


def test_what_was_chosen_lately_comes_before_all_but_whole_names() -> None:
    recent = [("run", "ws1/run5001"), ("", "cancel"), ("run", "ws1/run9"), ("view", "gone")]
    listed = [("run", "ws1/run5001"), ("", "cancel"), ("run", "ws1/run9"), ("", "unmark")]
    assert keys("", recent) == [*listed, ("", "rerun")]
    assert keys("run50", recent)[:3] == [
        ("run", "ws1/run50"), ("run", "ws1/run5001"), ("run", "ws1/run500"),
    ]  # fmt: skip
    assert keys("runs", recent)[0] == ("view", "broken runs")  # not by what is said of an action
    assert keys("  ") == [("", "cancel"), ("", "unmark"), ("", "rerun")]
