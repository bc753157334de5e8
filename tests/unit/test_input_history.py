"""What was entered before comes back, and so does what was being written."""

from xt_tui.widgets.history import History


def test_steps_go_back_to_the_oldest_and_forth_to_what_was_being_written() -> None:
    history = History(["a", "b"])
    shown = "new"
    for step, wanted in ((-1, "b"), (-1, "a"), (-1, "a"), (1, "b"), (1, "new"), (1, "new")):
        shown = history.step(step, shown)
        assert shown == wanted
    assert History().step(-1, "new") == "new"


def test_what_is_entered_is_kept_once_and_the_newest_only() -> None:
    history = History(["a", "b", "c"], most=3)
    history.step(-1, "")
    for text in ("b", "", "d"):
        history.keep(text)
    assert history.texts == ["c", "b", "d"]
    assert history.step(-1, "e") == "d"
    history.rewind()
    assert history.step(-1, "f") == "d"
    assert history.step(1, "d") == "f"
