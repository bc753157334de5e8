"""How the rows of a pane look: their marks, states, texts, and the row above a group."""

from collections.abc import Collection, Sequence

from xt_tui.groups import Groups
from xt_tui.state import STYLES, marked
from xt_tui.widgets.table_lines import Cell


def mark_cell(keys: Sequence[str], marks: Collection[str]) -> Cell:
    """Whether all rows with these keys are marked, or some of them."""
    count = sum(key in marks for key in keys)
    return Cell(" " if not count else "●" if count == len(keys) else "◐", STYLES["marked"])


def status_cell(status: str, *, is_last_known: bool) -> Cell:
    """A record's state; one that is an old state has a question mark."""
    if is_last_known:
        return Cell(f"{marked(status)} ?", "dim")
    return Cell(marked(status), STYLES.get(status, ""))


def text_cell(text: str, *, is_picture: bool) -> Cell:
    """What else is said of a record, or a small picture."""
    return Cell(text, STYLES["picture"] if is_picture else "")


def group_cells(groups: Groups, key: str, marks: Collection[str], *, is_open: bool) -> list[Cell]:
    """The row above a group, which may be gone by now."""
    members = groups.by_key[key].keys if key in groups.by_key else ()
    text = f"{'▾' if is_open else '▸'} {groups.texts.get(key, '')}"
    return [mark_cell(members, marks), Cell(text, "bold", is_wide=True)]
