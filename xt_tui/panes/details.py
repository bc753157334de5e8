"""The details pane: all there is to say of the cursor's run."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.reports.pages import run_page
from xt_core.session import Session
from xt_tui.background import Background
from xt_tui.panes.pane import Pane


class Page(VerticalScroll):
    """Scrolls with vim's keys too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "bottom", show=False),
        Binding("ctrl+f", "page_down", "page down", show=False),
        Binding("ctrl+b", "page_up", "page up", show=False),
    ]


class DetailsPane(Pane):
    """The page of `xt view run`, read in the background."""

    @dataclass
    class Read(Message):
        """A page is ready."""

        run: str
        lines: list[str]

    def __init__(self, session: Session) -> None:
        super().__init__("", id="details")
        self._session = session
        self._background = Background(self, "details")
        self._shown: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        with Page(id="details-page"):
            yield Static(id="details-text", markup=False)

    @property
    def target(self) -> Widget:
        return self.query_one(Page)

    def show_run(self, run: Run | None) -> None:
        """Show a run, unless that is what is shown."""
        wanted = None if run is None else (run.full_name, run.revision)
        if wanted == self._shown:
            return
        self._shown = wanted
        if run is None:
            self.query_one("#details-text", Static).update("no run is chosen")
        else:
            self._background.ask(lambda: self.Read(run.full_name, self._read_page(run)))

    def _read_page(self, run: Run) -> list[str]:
        try:
            events = self._session.store.events(run.workspace, run.name)
            files = list(self._session.artifacts.list(f"{run.workspace}/runs/{run.name}"))
            return run_page(run, events, files)
        except XTError as error:
            return [error.message, error.hint]

    @on(Read)
    def _show(self, message: Read) -> None:
        if self._shown is not None and self._shown[0] == message.run:
            for page in self.query("#details-text").results(Static):
                page.update("\n".join(message.lines))
