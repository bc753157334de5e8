"""The details pane: all there is to say of the cursor's run."""

from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from xt_core.errors import XTError
from xt_core.model.records import Run
from xt_core.reports.pages import run_page
from xt_core.session import Session
from xt_tui.panes.pane import Pane


class DetailsPane(Pane):
    """The page of `xt view run`, read in a thread."""

    @dataclass
    class Read(Message):
        """A page is ready."""

        run: str
        lines: list[str]

    def __init__(self, session: Session) -> None:
        super().__init__("", id="details")
        self._session = session
        self._shown: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="details-scroll"):
            yield Static(id="details-text", markup=False)

    def show_run(self, run: Run | None) -> None:
        """Show a run, unless that is what is shown."""
        wanted = None if run is None else (run.full_name, run.revision)
        if wanted == self._shown:
            return
        self._shown = wanted
        if run is None:
            self.query_one("#details-text", Static).update("no run is chosen")
        else:
            self._read_page(run)

    @work(thread=True, exclusive=True, group="details", exit_on_error=False)
    def _read_page(self, run: Run) -> None:
        try:
            events = self._session.store.events(run.workspace, run.name)
            files = list(self._session.artifacts.list(f"{run.workspace}/runs/{run.name}"))
            lines = run_page(run, events, files)
        except XTError as error:
            lines = [error.message, error.hint]
        self.post_message(self.Read(run.full_name, lines))

    @on(Read)
    def _show(self, message: Read) -> None:
        if self._shown is not None and self._shown[0] == message.run:
            for page in self.query("#details-text").results(Static):
                page.update("\n".join(message.lines))
