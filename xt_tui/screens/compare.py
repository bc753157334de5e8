"""Runs side by side: what differs, against a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.query.formats import counted
from xt_core.reports.comparison import Comparison, Row, compare
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.widgets.key_footer import KeyFooter
from xt_tui.widgets.side_by_side import Arrangement, SideBySide, arranged


class CompareScreen(ModalScreen[Run | None]):
    """Ends with the run to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "leave the filter, or close", show=False),
        Binding("q,equals_sign", "dismiss(None)", "close"),
        Binding("question_mark", "help", "help", tooltip="show and search these keys"),
        Binding(
            "a",
            "toggle_all",
            "all / what differs",
            tooltip="all that is known of the runs, or what differs",
        ),
        Binding("b", "baseline", "baseline", tooltip="compare with the run under the cursor"),
        Binding(
            "s",
            "sort",
            "sort",
            tooltip="order the runs by this line: upwards, downwards, as they were",
        ),
        Binding("slash", "filter", "filter", tooltip="show only lines that match, as lr loss"),
        Binding("backspace", "unfilter", "no filter", show=False),
        Binding("Y", "copy", "copy command", tooltip="copy the command that compares these runs"),
    ]

    @dataclass
    class Compared(Message):
        """The runs were read."""

        found: Comparison | None
        error: str = ""

    @dataclass
    class Arranged(Message):
        """The table is laid out."""

        shown: Arrangement

    def __init__(self, session: Session, runs: Sequence[Run]) -> None:
        super().__init__()
        self._session, self._runs = session, runs
        self._reading = Background(self, "compare")
        self._arranging = Background(self, "arrange comparison")
        self._found: Comparison | None = None
        self._shows_all = self._is_descending = False
        self._baseline = 0
        self._by: Row | None = None
        self._words = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="compare", classes="pane"):
            yield Input(placeholder="lr loss", id="compare-filter", classes="hidden", compact=True)
            yield SideBySide(id="side-by-side")
            yield Static("reading…", id="compare-facts", classes="hint", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#compare").border_title = "Compare"
        self.query_one(SideBySide).focus()
        self._reading.ask(self._read)

    def _read(self) -> Compared:
        try:
            return self.Compared(compare(self._session, self._runs))
        except XTError as error:
            return self.Compared(None, f"{error.message} {error.hint}".strip())

    @on(Compared)
    def _take(self, message: Compared) -> None:
        if message.found is None:
            self._tell(message.error, is_error=True)
            return
        self._found = message.found
        self._arrange()

    def _arrange(self) -> None:
        found = self._found
        if found is None:
            return
        every, words, baseline = self._shows_all, self._words, self._baseline
        by, descending = self._by, self._is_descending
        self._arranging.ask(
            lambda: self.Arranged(
                arranged(found, found.chosen(every=every, words=words), baseline, by, descending)
            )
        )

    @on(Arranged)
    def _show(self, message: Arranged) -> None:
        if not self.query(SideBySide) or self._found is None:
            return  # the screen closes
        self.query_one(SideBySide).show(message.shown)
        facts = sum(line.row is not None for line in message.shown.lines)
        others, baseline = len(self._runs) - 1, self._runs[self._baseline].name
        count = f"{counted(others, 'run')} against {baseline}"
        what = counted(facts, "line") if self._shows_all else f"{facts} of what is known differ"
        by = "" if self._by is None else f" · runs by {self._by.name}"
        order = "" if self._by is None else (" ▼" if self._is_descending else " ▲")
        none = "" if facts else " · nothing differs: a shows all"
        self._tell(f"{count} · {what}{by}{order} · ▲▼ more or less than the baseline{none}")

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        for facts in self.query("#compare-facts").results(Static):
            facts.update(text)
            facts.set_class(is_error, "error")

    # Keys -------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Leave the filter, if it is typed; else the screen."""
        if self.query_one("#compare-filter").has_focus:
            self.action_unfilter()
        else:
            self.dismiss(None)

    def action_help(self) -> None:
        """The keys of this screen."""
        from xt_tui.screens.help import COMPARISON, EVERYWHERE, HelpScreen, fixed_lines

        self.app.push_screen(HelpScreen([*fixed_lines((COMPARISON, EVERYWHERE))]))

    def action_toggle_all(self) -> None:
        self._shows_all = not self._shows_all
        self._arrange()

    def action_baseline(self) -> None:
        """Compare with the run under the cursor."""
        if (place := self.query_one(SideBySide).place) is not None:
            self._baseline = place
            self._arrange()

    def action_sort(self) -> None:
        """Order the runs by the line under the cursor: upwards, downwards, then as they were."""
        row = self.query_one(SideBySide).row
        is_same = row is not None and self._by is not None and _same(row, self._by)
        if is_same and self._is_descending:
            self._by, self._is_descending = None, False
        else:
            self._by, self._is_descending = row, is_same
        self._arrange()

    def action_filter(self) -> None:
        bar = self.query_one("#compare-filter", Input)
        bar.remove_class("hidden")
        bar.focus()

    def action_unfilter(self) -> None:
        bar = self.query_one("#compare-filter", Input)
        bar.value = ""
        bar.add_class("hidden")
        self.query_one(SideBySide).focus()

    @on(Input.Changed, "#compare-filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        self._words = event.value
        self._arrange()

    @on(Input.Submitted, "#compare-filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        event.input.set_class(not event.value.strip(), "hidden")
        self.query_one(SideBySide).focus()

    def action_copy(self) -> None:
        """Copy the headless command."""
        here = self._session.workspace
        names = [run.name if run.workspace == here else run.full_name for run in self._runs]
        command = f"xt compare {','.join(names)} --baseline {names[self._baseline]}"
        command += " --all" if self._shows_all else ""
        self.app.copy_to_clipboard(command)
        self.notify(command, title="copied", markup=False)

    @on(SideBySide.Chosen)
    def _chosen(self, message: SideBySide.Chosen) -> None:
        self.dismiss(self._runs[message.place])


def _same(one: Row, other: Row) -> bool:
    return (one.group, one.name) == (other.group, other.name)
