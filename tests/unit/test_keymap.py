"""Keys of one's own: which entries are taken, what is said of the others; the table of keys."""

from pathlib import Path

import pytest

from xt_tui.actions import ACTIONS
from xt_tui.actions.action import Action
from xt_tui.keymap import key_name, key_text, keymap_of
from xt_tui.keytable import markdown, rows, taken_keys, user_keymap


def test_keys_are_called_as_on_the_keyboard() -> None:
    assert key_text("question_mark,ctrl+p,left_square_bracket,comma,G") == "? ctrl+p [ , G"
    assert [key_name(key) for key in ("?", "[", "x", "f2")] == [
        "question_mark", "left_square_bracket", "x", "f2",
    ]  # fmt: skip


def test_keys_of_the_user_take_the_place_of_the_registrys() -> None:
    assert user_keymap({"cancel": "ctrl+x, X", "zoom": "?", "help": "f1"}) == (
        {"cancel": "ctrl+x,X", "zoom": "question_mark", "help": "f1"},
        [],
    )


def test_two_actions_may_swap_their_keys() -> None:
    assert user_keymap({"cancel": "n", "new": "c"})[1] == []


@pytest.mark.parametrize(
    ("name", "keys", "problem"),
    [
        ("cancle", "x", "there is no action 'cancle'; did you mean cancel?"),
        ("qqqq", "x", "there is no action 'qqqq'; xt keys lists them"),
        ("cancel", " , ", "it names no key; as in ctrl+x, or x,f2"),
        ("cancel", "ctrl+enter", "common terminals cannot send ctrl+enter"),
        ("cancel", "alt+c", "common terminals cannot send alt+c"),
        ("cancel", "ctrl+i", "terminals send ctrl+i as tab"),
        ("cancel", "f99", "there is no key 'f99'; as in ctrl+x, f2, or a character"),
        ("cancel", "j", "j moves the cursor"),
        ("cancel", "n", "n is the key of new already"),
    ],
)
def test_a_wrong_entry_is_told_in_one_line_and_passed_over(
    name: str, keys: str, problem: str
) -> None:
    assert user_keymap({name: keys}) == ({}, [f"tui.keys.{name}: {problem}"])


def test_a_pane_may_have_a_key_of_the_app_for_itself() -> None:
    actions = [
        Action("here", "", "", "x", "", lambda app: None, pane="output"),
        Action("there", "", "", "y", "", lambda app: None),
    ]
    assert keymap_of({"here": "y"}, actions) == ({"here": "y"}, [])
    assert keymap_of({"there": "x"}, actions) == ({"there": "x"}, [])


def test_no_action_has_a_key_that_moves_cursors_everywhere() -> None:
    app_wide = {
        key for action in ACTIONS.values() if not action.pane for key in action.keys.split(",")
    }
    assert app_wide & taken_keys() == set()


def test_the_table_has_every_action_with_the_users_keys() -> None:
    table = rows({"cancel": "ctrl+x"})
    assert [row["action"] for row in table] == list(ACTIONS)
    cancel = next(row for row in table if row["action"] == "cancel")
    assert (cancel["keys"], cancel["command"]) == ("ctrl+x", "xt cancel")


def test_the_documentation_is_the_table() -> None:
    page = Path(__file__).parents[2] / "docs/keys.md"
    assert page.read_text() == markdown(), "xt keys --markdown > docs/keys.md"


def test_what_changes_things_is_known_by_its_command() -> None:
    changing = {action.id for action in ACTIONS.values() if action.is_changing}
    assert changing >= {"new", "cancel", "restart", "tags", "add_box", "remove_box"}
    assert not changing & {
        "attach", "search", "compare", "filter", "team", "check_box", "help", "quit",
    }  # fmt: skip
