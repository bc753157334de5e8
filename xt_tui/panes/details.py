"""The details pane: all there is to say of the cursor's run or job, in sections.

Only the section that is shown is read; it stays while the cursor goes from run to run.
Invariant: a page that was read for what is no longer shown is thrown away.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget

from xt_core.chart import Chart
from xt_core.errors import XTError
from xt_core.model.records import Job, Run
from xt_core.query.registry import JobRow
from xt_core.session import Session
from xt_tui.actions import bindings
from xt_tui.background import Background
from xt_tui.looks import draws_ascii
from xt_tui.panes.pane import Pane
from xt_tui.widgets.chart import chart_text
from xt_tui.widgets.facts import Facts
from xt_tui.widgets.tab_strip import Tab, TabStrip

if TYPE_CHECKING:
    from xt_core.reports.search_page import Page as Parts

SECTIONS = ("overview", "hyperparameters", "metrics", "system", "events", "files")
_FITTED = ("system",)
"""The sections that are made for the width of the pane."""
_FIELD = re.compile(r"  (\S+(?: \S+)*)  +\S")
_UNSEEN_WIDTH = 80
"""Cells that a page is made for while the pane is not on screen."""
_FAILED = object()
"""In the place of what is shown: that could not be read."""


class Page(VerticalScroll, inherit_bindings=False):
    """Scrolls with vim's keys too; it has no use for keys that go sideways."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("home,g", "scroll_home", "top", show=False),
        Binding("end,G", "scroll_end", "bottom", show=False),
        Binding("pagedown,ctrl+f", "page_down", "page down", show=False),
        Binding("pageup,ctrl+b", "page_up", "page up", show=False),
    ]


class DetailsPane(Pane):
    """The sections of a run, or the page of `xt view job`, read in the background."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("details")

    @dataclass
    class Read(Message, bubble=False):
        """A page is ready."""

        of: object
        text: Text
        is_failed: bool

    def __init__(self, session: Session) -> None:
        super().__init__("", id="details")
        self._session = session
        self._background = Background(self, "details")
        self._shown: object = None
        """What the page is of, and in which state of it."""
        self.run: Run | None = None
        """What is shown, if it is a run."""
        self.row: JobRow | None = None
        """What is shown, if it is a job."""
        self._reruns: Sequence[Job] = ()
        """The jobs that were made from it."""
        self.section = SECTIONS[0]
        """The section of runs that is shown."""

    def compose(self) -> ComposeResult:
        yield TabStrip(self._tabs, id="section-strip")
        with Page(id="details-page"):
            yield Facts(id="details-text", markup=False)

    @property
    def target(self) -> Widget:
        return self.query_one(Page)

    @property
    def text(self) -> str:
        """The section as it is shown."""
        return str(self.query_one("#details-text", Facts).render())

    def show_run(self, run: Run | None, reruns: Sequence[Job] = ()) -> None:
        """Show a run, unless that is what is shown."""
        self.run, self.row, self._reruns = run, None, reruns
        self.query_one(TabStrip).display = run is not None
        if run is not None:
            section = self.section
            width = self._width
            fitted = width if section in _FITTED else 0
            wanted = (run.full_name, run.revision, section, _names(reruns), fitted)
            self._ask(wanted, lambda: self._read_section(wanted, run, reruns, section, width))
        elif self._shown is not None:
            self._shown = None
            self._update(Text("no run is chosen"))

    def show_job(self, row: JobRow, reruns: Sequence[Job] = ()) -> None:
        """Show a job and what its search found, unless that is what is shown."""
        self.run, self.row, self._reruns = None, row, reruns
        self.query_one(TabStrip).display = False
        width = self._width
        wanted = (row, width, self.app.theme, _names(reruns))
        self._ask(wanted, lambda: self._read_job(row, reruns, width))

    @property
    def _width(self) -> int:
        """Cells that a line has."""
        return self.query_one(Page).scrollable_content_region.width or _UNSEEN_WIDTH

    def next_section(self, step: int) -> None:
        """Go to the section beside the present one."""
        place = SECTIONS.index(self.section)
        self._show_section(SECTIONS[(place + step) % len(SECTIONS)])

    @on(TabStrip.Chosen, "#section-strip")
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        self._show_section(message.tab)

    def _show_section(self, section: str) -> None:
        self.section = section
        self.query_one(TabStrip).refresh()
        if self.run is not None:
            self.show_run(self.run, self._reruns)
            self.query_one(Page).scroll_home(animate=False)

    def _tabs(self) -> tuple[list[Tab], str]:
        labels = [name.replace("hyperparameters", "params") for name in SECTIONS]
        tabs = [Tab(name, label, label[:3]) for name, label in zip(SECTIONS, labels, strict=True)]
        return tabs, self.section

    def on_resize(self) -> None:
        """Charts and tables fit the pane."""
        if self.row is not None:
            self.show_job(self.row, self._reruns)
        elif self.run is not None and self.section in _FITTED:
            self.show_run(self.run, self._reruns)

    def on_show(self) -> None:
        """Read what the cursor came to meanwhile; what stood here was of something else."""
        if self._shown is not None:
            return
        if self.run is None and self.row is None:
            self._update(Text("no run is chosen" if self.text else ""))
            return
        self._update(Text(""))
        if self.row is not None:
            self.show_job(self.row, self._reruns)
        else:
            self.show_run(self.run, self._reruns)

    def _ask(self, wanted: object, read: Callable[[], "Parts"]) -> None:
        """Have a page read, if it would be seen: the cursor passes many runs."""
        if not self.display:
            self._shown = self._shown if wanted == self._shown else None
        elif wanted != self._shown:
            self._shown = wanted
            self._background.ask(lambda: self.Read(wanted, *_page_text(read)))

    def _read_section(
        self, wanted: object, run: Run, reruns: Sequence[Job], section: str, width: int
    ) -> "Parts":
        """Called in a thread."""
        from xt_tui.panes.sections import section_lines

        def show(lines: list[str]) -> None:
            self.post_message(self.Read(wanted, *_page_text(lambda: [*lines])))

        return list(section_lines(self._session, run, reruns, section, width, show))

    def _read_job(self, row: JobRow, reruns: Sequence[Job], width: int) -> "Parts":
        from xt_tui.panes.sections import job_parts

        return job_parts(self._session, row, reruns, width, is_ascii=draws_ascii(self.app))

    @on(Read)
    def _show(self, message: Read) -> None:
        if self._shown == message.of:
            self._update(message.text)
            self._shown = _FAILED if message.is_failed else self._shown

    @property
    def has_failed(self) -> bool:
        """Whether what is to be shown could not be read: it is worth another attempt."""
        return self._shown is _FAILED

    def _update(self, text: Text) -> None:
        for page in self.query("#details-text").results(Facts):  # none while the app closes
            page.update(text)


def _names(jobs: Sequence[Job]) -> tuple[str, ...]:
    return tuple(job.name for job in jobs)


def _page_text(read: Callable[[], "Parts"]) -> tuple[Text, bool]:
    """A page as text that does not wrap, or why there is none; and whether there is none."""
    is_failed = False
    try:
        parts = read()
    except XTError as error:
        parts, is_failed = [error.message, error.hint], True
    lines = [chart_text(part) if isinstance(part, Chart) else part for part in parts]
    styled = [
        _styled(line, after) if isinstance(line, str) else line
        for line, after in zip_longest(lines, lines[1:], fillvalue="")
    ]
    return Text("\n").join(styled), is_failed


def _styled(line: str, after: str | Text) -> Text:
    """A line: bold if indented ones follow it, its first word dim if that is the name of a
    value."""
    text = Text(line)
    if not line.startswith(" ") and str(after).startswith("  "):
        text.stylize("bold")
    elif field := _FIELD.match(line):
        text.stylize("dim", *field.span(1))
    return text
