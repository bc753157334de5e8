"""Which panes a terminal shows, how large, and what of it is remembered."""

import json

import pytest

from xt_tui.layout import (
    PANES,
    Layout,
    dragged,
    grown,
    left_width,
    most_recent_first,
    panes_shown,
)

FIRST = ("runs", "metrics", "jobs", "output", "details", "nodes", "teams")


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (60, 20, {"runs"}),
        (99, 60, {"runs"}),
        (100, 24, {"teams", "jobs", "runs", "metrics"}),
        (159, 60, {"teams", "jobs", "runs", "metrics"}),
        (160, 24, {"teams", "jobs", "runs", "metrics", "output"}),
        (200, 60, {"teams", "jobs", "runs", "metrics", "output"}),
        (200, 20, {"jobs", "runs"}),
    ],
)
def test_a_terminal_shows_the_panes_that_have_room(
    width: int, height: int, shown: set[str]
) -> None:
    assert panes_shown(Layout(), width, height, FIRST) == shown


@pytest.mark.parametrize("pane", PANES)
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 20), (120, 36), (200, 60)])
@pytest.mark.parametrize("layout", [Layout(), Layout(frozenset(PANES)), Layout(is_zoomed=True)])
def test_the_pane_with_the_keys_is_always_shown(
    pane: str, size: tuple[int, int], layout: Layout
) -> None:
    assert pane in panes_shown(layout, *size, most_recent_first(FIRST, pane))


def test_a_wide_terminal_keeps_the_metrics_beside_what_had_the_keys_last() -> None:
    recent = most_recent_first(most_recent_first(FIRST, "details"), "nodes")
    assert panes_shown(Layout(), 200, 60, recent) - {"teams", "jobs", "runs"} == {
        "metrics", "nodes",
    }  # fmt: skip
    without = Layout(hidden=frozenset({"metrics"}))
    assert panes_shown(without, 200, 60, recent) >= {"nodes", "details"}


def test_a_pane_takes_room_from_what_is_beside_it() -> None:
    size, shown = (120, 36), panes_shown(Layout(), 120, 36, FIRST)
    assert left_width(Layout(), 120) == 50
    assert grown(Layout(), "jobs", shown, size, across=4).left == 54
    assert grown(Layout(), "runs", shown, size, across=4).left == 46
    assert grown(Layout(), "runs", shown, size, down=2).upper == 56
    assert grown(Layout(), "metrics", shown, size, down=2).upper == 44
    assert grown(Layout(), "teams", shown, size, down=2).teams == 9
    assert grown(Layout(), "jobs", shown, size, down=2).teams == 5
    both = panes_shown(Layout(), 200, 60, FIRST)
    assert grown(Layout(), "output", both, (200, 60), across=4).beside == 47


def test_no_pane_grows_without_end_nor_where_it_is_alone() -> None:
    size, shown = (120, 36), panes_shown(Layout(), 120, 36, FIRST)
    layout = Layout()
    for _ in range(50):
        layout = grown(layout, "jobs", shown, size, across=4)
        layout = grown(layout, "runs", shown, size, down=2)
    assert (layout.left, layout.upper) == (80, 85)
    assert grown(Layout(), "runs", frozenset({"runs"}), size, across=4, down=2) == Layout()


def test_borders_are_dragged_to_where_the_mouse_is() -> None:
    shown = panes_shown(Layout(), 200, 60, FIRST)
    assert dragged(Layout(), "jobs", shown, 60, 0, (70, 30), 120).left == 60
    assert dragged(Layout(), "runs", shown, 0, 20, (70, 30), 120).upper == 66
    assert dragged(Layout(), "metrics", shown, 7, 0, (70, 30), 120).beside == 15
    assert dragged(Layout(), "teams", shown, 0, 9, (70, 30), 120).teams == 9


@pytest.mark.parametrize(
    ("pane", "shown", "width", "height"),
    [
        ("jobs", {"jobs"}, 60, 9),
        ("jobs", {"teams", "jobs"}, 60, 9),
        ("teams", {"teams"}, 60, 9),
        ("teams", {"teams", "runs"}, 0, 9),
        ("runs", {"runs"}, 60, 9),
        ("runs", {"jobs", "runs"}, 60, 9),
        ("metrics", {"runs", "metrics"}, 60, 9),
        ("output", {"runs", "metrics", "output"}, 60, 9),
    ],
)
def test_a_border_with_nothing_behind_it_changes_nothing(
    pane: str, shown: set[str], width: int, height: int
) -> None:
    assert dragged(Layout(), pane, frozenset(shown), width, height, (70, 30), 80) == Layout()


def test_what_is_remembered_is_taken_up_again() -> None:
    chosen = Layout(frozenset({"teams"}), True, 50, 9, 60, 40)
    assert Layout.remembered(json.loads(json.dumps(chosen.as_dict()))) == (chosen, "")
    assert Layout.remembered(None) == (Layout(), "")


@pytest.mark.parametrize(
    "document",
    [3, [], {"left": "x"}, {"hidden": ["moon"]}, {"left": -1}, {"is_zoomed": 1}, {"hidden": 3},
     {"hidden": [[]]}, {"upper": 150}, {"beside": 1}, {"teams": 21}],
)  # fmt: skip
def test_what_is_no_layout_is_told_and_passed_over(document: object) -> None:
    found, problem = Layout.remembered(document)
    assert found == Layout()
    assert problem == "the layout that was remembered is none: panes are as at first"
