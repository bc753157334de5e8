"""What the UI says of its state: how fresh it is, what it told, in which colours."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from xt_core import clock
from xt_core.model.records import Job, JobCounts, Run
from xt_core.model.states import RunStatus
from xt_core.nodes.states import silent_node
from xt_core.query.registry import JobRow
from xt_tui.eventlog import EventLog
from xt_tui.freshness import freshness
from xt_tui.state import GLYPHS, STYLES, Batch, ViewState
from xt_tui.themes import THEMES, StateStyles, own_variables


def test_what_is_shown_is_live_until_it_was_not_heard_of_for_a_while() -> None:
    state = ViewState()
    assert freshness(state, 0.0).text == "◌ loading"
    state.apply(Batch([], [], None))
    assert freshness(state, state.heard + 9).text == "● live"
    assert freshness(state, state.heard + 12).text == "◐ 12.0s old"
    heard = state.heard
    state.apply(Batch([], [], None, "the disk is full"))
    fresh = freshness(state, heard + 1)
    assert (fresh.text, fresh.look) == ("○ offline: the disk is full", "-offline")
    assert fresh.trouble == "the disk is full"
    assert state.heard == heard


def test_what_could_not_be_read_is_not_loaded_and_the_top_line_tells_the_cause() -> None:
    state = ViewState()
    place = "MongoDB at 127.0.0.1:27017 (setting external-services.lab.mongo-connection-string)"
    told = {
        f"{place} cannot be reached: 127.0.0.1:27017: [Errno 111] Connection refused":
            "○ offline: Connection refused",
        f"{place} did not answer within 8 s": "○ offline: did not answer within 8 s",
        "a" * 40: f"○ offline: {'a' * 24}…",
    }  # fmt: skip
    for trouble, text in told.items():
        state.apply(Batch([], [], None, trouble))
        assert freshness(state, 0.0).text == text
    assert not state.loaded


def test_what_was_known_of_nodes_stays_while_the_store_is_away() -> None:
    state, node = ViewState(), {"name": "node0", "controller": None}
    state.apply(Batch([], [], {"nodes": [node]}))
    state.apply(Batch([], [], None, "the disk is full"))
    assert (state.nodes, state.error) == ([node], "the disk is full")
    state.apply(Batch([], [], {"nodes": []}))
    assert (state.nodes, state.error) == ([], "")


def test_a_node_with_work_is_deserted_once_it_had_time_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1e9
    monkeypatch.setattr(clock, "now", lambda: now)
    state = ViewState(place="here:/xt")
    job = Job("job1", "ws1", "e", "single", "local", "ada", now, 1, 1, nodes=["node0"])
    row = JobRow(job, JobCounts(running=1))
    silent, attended = ({"name": "node0", "controller": it} for it in (None, {"pid": 1}))
    state.apply(Batch([], [row], {"nodes": [silent]}))
    assert state.deserted == []  # it may be starting
    now += 11
    state.apply(Batch([], [], {"nodes": [silent]}))
    assert state.deserted == [silent]
    state.apply(Batch([], [], {"nodes": [attended]}))
    assert state.deserted == []
    state.apply(Batch([], [], {"nodes": [silent]}))
    assert state.deserted == [silent]  # it has been there: no more waiting
    job.hosts = {"node0": "elsewhere:/xt"}  # that one's node0 is another
    assert state.deserted == []


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (silent_node("gpu1", "gpu1", "unreachable"), "✘ gpu1: unreachable"),
        (silent_node("gpu1", "gpu1", "unresponsive"), "✘ gpu1: does not answer"),
        (silent_node("gpu1", "gpu1", "stopped"), "✘ gpu1: no controller: 7 s starts it"),
        (silent_node("node0", "local", "stopped"), "✘ node0: no controller: 7 s starts it"),
        (
            silent_node("node0", "local", "unresponsive"),
            "✘ node0: does not answer: 7 s replaces it",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_remedy_is_offered_only_where_there_is_one(node: dict[str, Any], told: str) -> None:
    state = ViewState()
    job = Job("job1", "ws1", "e", "single", "x", "ada", 1e9, 1, 1, nodes=[node["name"]])
    attended = node | {"controller": {"pid": 1}}
    state.apply(Batch([], [JobRow(job, JobCounts(running=1))], {"nodes": [attended]}))
    state.apply(Batch([], [], {"nodes": [node]}))
    assert freshness(state, state.heard).text == told


def test_who_else_cancels_a_run_is_seen_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    state, run = ViewState(), Run("ws1", "run1", "job1", "e", "node0", RunStatus.RUNNING, 1e9)
    since = datetime(2026, 1, 31, 12, 0, 5).astimezone()
    monkeypatch.setattr(clock, "now", lambda: since.timestamp() + 3)
    times = {"since": since.isoformat(), "kill_at": clock.iso(since.timestamp() + 10)}
    told = {"workspace": "ws1", "name": "run1", "cancelling": times}
    state.apply(Batch([run], [], {"nodes": [], "runs": [told | {"cancelling": None}]}))
    assert state.run_status(run) == "running"
    state.apply(Batch([], [], {"nodes": [], "runs": [told]}))
    assert state.run_status(run) == "cancelling"
    said = "run1 is being cancelled since 12:00:05; it is killed in 7 s"
    assert state.cancel_text(run) == said
    ended = replace(run, status=RunStatus.CANCELLED)
    state.apply(Batch([ended], [], {"nodes": [], "runs": []}))
    assert state.run_status(ended) == "cancelled"


def test_a_full_disk_is_an_alarm() -> None:
    state = ViewState()
    node = {"name": "node0", "controller": {"pid": 1}, "trouble": "disk full: /home/ann/.xt"}
    state.apply(Batch([], [], {"nodes": [node]}))
    fresh = freshness(state, state.heard)
    assert (fresh.text, fresh.look) == ("✘ node0: disk full: /home/ann/.xt", "-offline")
    is_gone = not state.all_answer
    state.apply(Batch([], [], {"nodes": [node | {"trouble": "", "state": "running"}]}))
    assert (is_gone, state.all_answer) == (True, True)
    assert freshness(state, state.heard).text == "● live"


def test_what_lives_on_a_node_that_says_nothing_is_known_until_it_was_heard_of() -> None:
    state = ViewState()
    job = Job("job1", "ws1", "e", "repeat", "lab", "ada", 1e9, 2, 1, nodes=["gpu1", "gpu2"])
    row = JobRow(job, JobCounts(running=2))
    status = {"gpu1": RunStatus.RUNNING, "gpu2": RunStatus.RUNNING, "gpu3": RunStatus.COMPLETED}
    runs = [Run("ws1", f"run-{node}", "job1", "e", node, status[node], 1e9) for node in status]
    attended = [{"name": node, "controller": {"pid": 1}} for node in status]
    state.apply(Batch(runs, [row], {"nodes": attended}))
    assert [state.known_until(run) for run in runs] == [None] * 3
    silent = silent_node("gpu1", "gpu1", "unreachable") | {"heard": "2026-01-31T12:00:00.000Z"}
    state.apply(Batch([], [], {"nodes": [silent, *attended[1:]]}))
    assert [state.known_until(run) for run in runs] == [1769860800.0, None, None]
    assert not state.is_job_silent(row)  # it goes on elsewhere
    state.apply(Batch([], [], {"nodes": [silent, silent | {"name": "gpu2"}, attended[2]]}))
    assert state.is_job_silent(row)
    state.apply(Batch([], [], {"nodes": attended}))
    assert [state.known_until(run) for run in runs] == [None] * 3


def test_a_connection_that_goes_and_comes_is_two_events() -> None:
    log = EventLog()
    for trouble in ("", "away", "away", "", ""):
        log.note("connection", trouble)
    told = [(event.severity, event.message) for event in log.newest_first()]
    assert told == [("information", "answers again"), ("error", "away")]
    assert log.errors == 1


def test_the_log_keeps_the_last_thousand() -> None:
    log = EventLog()
    for number in range(1_200):
        log.add("warning", "", str(number))
    events = log.newest_first()
    assert (len(events), events[0].message, events[-1].message) == (1_000, "1199", "200")
    assert log.newest_first(1)[0].line().endswith("warning      1199")


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_states_have_the_colours_of_the_theme(theme: object) -> None:
    from rich.style import Style
    from textual.theme import Theme

    assert isinstance(theme, Theme)
    styles = StateStyles({"running": ("bold", "state-running"), "idle": ("", "state-idle")})
    assert styles["running"] == "bold"
    styles.adopt(own_variables(theme))
    assert styles["running"] == f"bold {theme.accent}"
    assert Style.parse(styles["running"]).bold
    assert styles["idle"] == ""


def test_colours_of_the_terminal_are_called_as_rich_does() -> None:
    styles = StateStyles({"a": ("bold", "state-bad"), "b": ("", "state-good")})
    styles.adopt({"state-bad": "ansi_bright_red", "state-good": "ansi_default"})
    assert dict(styles) == {"a": "bold bright_red", "b": ""}


def test_every_style_is_of_a_state_that_has_a_glyph() -> None:
    assert set(STYLES) - {"marked", "picture"} <= set(GLYPHS)  # those are of no state
