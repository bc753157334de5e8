"""The output pane: attached to the consoles of one run or of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message

from xt_core.chart.palette import PALETTE
from xt_core.model.records import Run
from xt_core.model.shown import outcome
from xt_core.query.formats import counted
from xt_core.session import Session
from xt_tui.actions import bindings
from xt_tui.console.ansi import in_series_color
from xt_tui.console.lines import LineBuffer
from xt_tui.panes.pane import Pane
from xt_tui.state import marked
from xt_tui.threads import read
from xt_tui.widgets.log_view import LogView
from xt_tui.widgets.searched_log import SearchedLog

if TYPE_CHECKING:
    from xt_tui.console.attachment import Attachment

MOST_RUNS = len(PALETTE)


class OutputPane(Pane):
    """One run at a time, or several whose lines come together; others detach the last ones."""

    BINDINGS = bindings("output")

    @dataclass
    class Told(Message):
        """A run's box was lost, or is there again."""

        attachment: "Attachment"
        text: str

    @dataclass
    class News(Message):
        """An attachment goes on, or has ended."""

        attachment: "Attachment"

    def __init__(self, session: Session) -> None:
        super().__init__("", id="output")
        self._session = session
        self.log_lines: SearchedLog = SearchedLog(id="output-log")
        self.attachments: list[Attachment] = []
        self.is_detached = False
        self._problems_told: set[Attachment] = set()
        self._described = ""

    def compose(self) -> ComposeResult:
        yield self.log_lines

    @property
    def view(self) -> LogView:
        return self.log_lines.view

    @property
    def target(self) -> LogView:
        return self.view

    @property
    def runs(self) -> list[Run]:
        """The runs whose output is shown."""
        return [attachment.run for attachment in self.attachments]

    async def on_unmount(self) -> None:
        self.detach()
        for attachment in self.attachments:  # a box may not answer: the keys do not wait for it
            await read(attachment.wait)

    # Attaching --------------------------------------------------------------------------

    def follow_choice(self, chosen: Sequence[Run]) -> None:
        """Show the output of other runs as soon as others are chosen."""
        names = [run.full_name for run in chosen[:MOST_RUNS]]
        if names != [run.full_name for run in self.runs]:
            self.attach(chosen[:MOST_RUNS])

    def attach(self, runs: Sequence[Run]) -> None:
        """Show the end of runs' output and follow it."""
        from xt_tui.console.attachment import Attachment

        names = [run.full_name for run in runs]
        is_same = names == [run.full_name for run in self.runs]
        if is_same and not self.is_detached and not all(a.ended for a in self.attachments):
            return
        self.detach()
        self.is_detached = False
        self._problems_told.clear()
        buffer = LineBuffer()
        self.attachments = [
            Attachment(
                self._session,
                run,
                buffer,
                self._changed,
                self._box_told,
                source,
                prefix,
            )
            for source, (run, prefix) in enumerate(zip(runs, _prefixes(runs), strict=True))
        ]
        self.log_lines.show(buffer)
        self._describe()
        for attachment in self.attachments:
            attachment.start()

    def detach(self) -> None:
        """Let go of the runs, which live on; what came stays to be read."""
        for attachment in self.attachments:
            attachment.close()
        self.is_detached = True
        self._describe()

    def note(self, runs: Sequence[Run]) -> None:
        """These runs have changed."""
        changed = {run.full_name: run for run in runs}
        for attachment in self.attachments:
            attachment.run = changed.get(attachment.run.full_name, attachment.run)
        if any(run.full_name in changed for run in self.runs):
            self._describe()

    @on(LogView.EarlierWanted)
    def _load_earlier(self, message: LogView.EarlierWanted) -> None:
        for attachment in self.attachments:
            if message.all:
                attachment.load(0)
            else:
                attachment.load_more()
        self._describe()

    def _changed(self, attachment: "Attachment") -> None:
        """Called in a thread."""
        self.post_message(self.News(attachment))

    def _box_told(self, attachment: "Attachment", text: str) -> None:
        """Called in a thread."""
        self.post_message(self.Told(attachment, text))

    @on(Told)
    def _notify(self, message: Told) -> None:
        if message.attachment in self.attachments and self.is_attached:
            self.notify(message.text, severity="warning", markup=False)

    @on(News)
    def _take_news(self, message: News) -> None:
        attachment = message.attachment
        if attachment not in self.attachments or not self.is_attached:
            return
        if attachment.ended and attachment.problem and attachment not in self._problems_told:
            self._problems_told.add(attachment)
            self.notify(
                attachment.problem, title=attachment.run.name, severity="error", markup=False
            )
        self._describe()

    # What the border says ---------------------------------------------------------------

    @on(LogView.Changed)
    def _describe(self) -> None:
        if self.is_attached:
            text = " · ".join(filter(None, self._facts())) if self.attachments else "no run"
            if text != self._described:
                self._described = text
                self.border_subtitle = Text(text)

    def _facts(self) -> list[str]:
        """Whose output it is, how they go, whether all of it is there, and whether its end is in
        sight."""
        view, runs = self.view, self.runs
        facts = [_name_of(runs)]
        facts += [_state_of(runs[0])] if len(runs) == 1 else [_states_of(runs)]
        facts += [f"restarted ×{run.restarts}" for run in runs[:1] if run.restarts]
        facts += [a.problem for a in self.attachments if a.problem and not a.ended][:1]
        facts += ["detached"] if self.is_detached else []
        facts += [self._loading() or self._silence()]
        if view.range is not None:
            first, last = view.range.ends
            count = view.rows.row(last) - view.rows.row(first) + 1
            return [*facts, f"{counted(count, 'line')} marked: y copies, s saves"]
        if not view.following:
            new = f"▼ {counted(view.new_lines, 'new line')}" if view.new_lines else ""
            facts += [new, "F follows"]
        return facts

    def _loading(self) -> str:
        first = sum(attachment.first for attachment in self.attachments)
        if any(attachment.is_loading for attachment in self.attachments):
            return f"loading, {_megabytes(first)} to come"
        return f"{_megabytes(first)} before: g loads" if first else ""

    def _silence(self) -> str:
        """That nothing was written, as far as that is known."""
        has_lines = self.view.buffer.stop > self.view.buffer.first
        if has_lines or not all(attachment.is_known for attachment in self.attachments):
            return ""
        return "no output" if all(a.ended for a in self.attachments) else "no output yet"


def _name_of(runs: Sequence[Run]) -> str:
    names = [f"{run.name} (parent)" if run.is_parent else run.name for run in runs]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _state_of(run: Run) -> str:
    return marked(outcome(run))


def _states_of(runs: Sequence[Run]) -> str:
    ended = sum(run.status.is_final for run in runs)
    return f"{ended} of {len(runs)} ended" if ended else ""


def _megabytes(size: int) -> str:
    return f"{max(1, size >> 20):,} MB"


def _prefixes(runs: Sequence[Run]) -> list[str]:
    """What the lines of each run begin with, where there are several: its short name, in the
    colour of its curves."""
    if len(runs) < 2:
        return [""] * len(runs)
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        names = [run.full_name for run in runs]
    width = max(map(len, names))
    return [f"{in_series_color(f'{name:<{width}}', place)} │ " for place, name in enumerate(names)]
