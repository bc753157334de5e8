"""How a pane's records look: which columns they have, what stands in these and above them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Generic

from xt_core.query.columns import MOST_LOGGED, Column
from xt_core.query.fields import Record
from xt_tui.panes.arranging import Looks
from xt_tui.panes.cells import status_cell, text_cell
from xt_tui.panes.pane import Pane
from xt_tui.state import marked, states_text
from xt_tui.widgets.table_lines import Cell


class RecordLooks(Pane, Generic[Record]):
    """For subclasses to say, which know what the records are."""

    LEAD: Sequence[str] = ()
    """Keys of rows above the records, which cannot be marked."""
    WIDTHS: Mapping[str, int] = {"status": len(marked("cancelling"))}
    """Columns, by field, that are always so wide."""
    MOST_LOGGED: int | None = MOST_LOGGED
    """Metrics and hyperparameters that have columns unless the user chose them; None: all."""
    LATER = ""
    """What is shown behind columns that the user chose, as of `xt list --columns`, unless it was
    there to be chosen."""
    PICTURES: Collection[str] = ()
    """Columns, by field, that are small pictures."""

    @property
    def looks(self) -> Looks[Record]:
        """What rows are arranged by."""
        return Looks(
            self.LEAD,
            self.column_text,
            self.LATER,
            self.text,
            self.summary,
            self.MOST_LOGGED,
            self.WIDTHS,
        )

    def column_text(self, keys: Sequence[str]) -> str:
        """The columns for these rows, as of `xt list --columns`. Called in a thread."""
        raise NotImplementedError

    def status_of(self, record: Record) -> str:
        """The record's state, or what is being done about it."""
        raise NotImplementedError

    def is_last_known(self, record: Record) -> bool:
        """Whether its state is an old one, and nobody says what has become of it."""
        return False

    def text(self, column: Column[Record], record: Record, now: float) -> str:
        """A cell's text."""
        return column.text(record, now)

    def example(self, column: Column[Record], record: Record, now: float) -> str:
        """A text by which a column is chosen."""
        return column.text(record, now)

    def summary(self, records: Sequence[Record]) -> str:
        """What is said of the records of a group. Called in a thread."""
        return states_text(Counter(self.status_of(record) for record in records))

    def lead_cells(self, key: str) -> list[Cell]:
        """The cells of a row above the records."""
        raise NotImplementedError

    def look_over(self, records: Sequence[Record]) -> None:
        """These, or such as these, are about to be shown: what headings and cells depend on."""

    def heading(self, column: Column[Record], width: int) -> tuple[str, int]:
        """What stands above a column, and how wide that is."""
        return column.header, width

    def is_right(self, column: Column[Record]) -> bool:
        """Numbers go to the right, pictures do not."""
        return column.alignment == "right" and column.field.name not in self.PICTURES

    def cell(self, column: Column[Record], record: Record, now: float) -> Cell:
        """What stands in a column."""
        name = column.field.name
        if name == "status":
            is_last_known = self.is_last_known(record)
            return status_cell(self.status_of(record), is_last_known=is_last_known)
        return text_cell(self.text(column, record, now), is_picture=name in self.PICTURES)
