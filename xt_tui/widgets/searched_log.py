"""A console with what is sought in it: a search, a filter, the way from error to error.

All of them go on while the console grows. Lines are looked at in a thread, so that a million of
them do not stop the keys.
"""

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from xt_core.errors import UsageError
from xt_core.query.formats import counted
from xt_tui.console.index import LineIndex, catch_up
from xt_tui.console.lines import LineBuffer
from xt_tui.console.matching import ErrorMatcher, matcher_of
from xt_tui.threads import read
from xt_tui.widgets.log_view import LogView
from xt_tui.widgets.search_bar import SearchBar

_LOOK_SECONDS = 0.1
_REST_SECONDS = 0.001
_CONTEXT_LINES = 2


class SearchedLog(Vertical):
    """A log view over two bars."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.view = LogView(id=f"{id}-text")
        self._search_bar = SearchBar("/", "search", id=f"{id}-search")
        self._filter_bar = SearchBar("&", "show only lines with", id=f"{id}-filter")
        self._errors: LineIndex | None = None
        self._around = 0
        self._origin = 0
        self._is_looking = False
        self._wanted: Callable[[], bool] | None = None
        """What is to be done once it can be: it says whether it was done."""

    def compose(self) -> ComposeResult:
        yield self.view
        yield self._search_bar
        yield self._filter_bar

    def on_mount(self) -> None:
        self.set_interval(_LOOK_SECONDS, self._tick)

    def show(self, buffer: LineBuffer) -> None:
        """Another console; what was searched for in the last one is searched for here too."""
        self._errors, self._wanted = None, None
        self.view.show(buffer)
        for bar in (self._search_bar, self._filter_bar):
            if bar.text:
                self._set(bar)

    # Searching --------------------------------------------------------------------------

    def open_search(self) -> None:
        self._origin = self.view.top
        self._search_bar.open()

    def open_filter(self) -> None:
        self._filter_bar.open()

    def give_up(self) -> None:
        """End what was begun last: the range, the search, the filter."""
        if self.view.range is not None:
            self.view.end_range()
        elif self._search_bar.text:
            self._close(self._search_bar)
        elif self._filter_bar.text:
            self._close(self._filter_bar)

    def toggle_context(self) -> None:
        """Show the lines around those that the filter leaves, or do not."""
        self._around = 0 if self._around else _CONTEXT_LINES
        if self._filter_bar.text:
            self._set(self._filter_bar)

    @on(SearchBar.Typed)
    def _typed(self, message: SearchBar.Typed) -> None:
        if self._set(message.bar) and message.bar is self._search_bar:
            self._wanted = self._go_to_nearest

    @on(SearchBar.Accepted)
    def _accepted(self, message: SearchBar.Accepted) -> None:
        if not message.bar.text:
            self._close(message.bar)
        self.screen.set_focus(self.view)
        self.call_after_refresh(self._tell)

    @on(SearchBar.Closed)
    def _bar_closed(self, message: SearchBar.Closed) -> None:
        self._close(message.bar)

    def _close(self, bar: SearchBar) -> None:
        bar.close()
        self._set(bar)
        self.screen.set_focus(self.view)

    def _set(self, bar: SearchBar) -> bool:
        """Search for, or filter by, what a bar says; a mistake is told there, and the old search
        stays."""
        view, index = self.view, None
        try:
            if bar.text:
                matcher = matcher_of(bar.text, is_pattern=bar.is_pattern)
                context = self._around if bar is self._filter_bar else 0
                index = LineIndex(matcher, view.buffer, context)
        except UsageError as error:
            bar.tell_mistake(error.message)
            return False
        if bar is self._search_bar:
            view.search, view.current = index, None
        else:
            view.filter = index
        view.update()
        bar.is_wrong = False
        self._tick()
        return True

    def _go_to_nearest(self) -> bool:
        """Go to the first match from where the search began, else to the last one before it."""
        index = self.view.search
        if index is None:
            return True
        here = index.next(self._origin - 1, 1)
        if here is not None and here >= self._origin and self.view.rows.shows(here):
            self.view.go_to(here)
            return True
        if index.is_behind:
            return False
        self._step(index, self._origin, -1)
        return True

    # From place to place ----------------------------------------------------------------

    def next_match(self, step: int) -> None:
        """Go to the next match (1), or the one before (-1)."""
        index = self.view.search
        if index is not None:
            self._when_seen(index, lambda: self._step(index, self._here(step), step))

    def first_error(self) -> None:
        """Go to the first traceback, or line that tells of an error."""
        self._go_to_error(lambda index: self._step(index, self.view.buffer.first - 1, 1))

    def next_error(self, step: int) -> None:
        """Go to the next traceback or error (1), or the one before (-1)."""
        self._go_to_error(lambda index: self._step(index, self._here(step), step))

    def _go_to_error(self, go: Callable[[LineIndex], bool]) -> None:
        index = self._errors
        if index is None:
            index = self._errors = LineIndex(ErrorMatcher(), self.view.buffer)

        def found() -> None:
            if not go(index):
                self.notify("no traceback and no error in this output", markup=False)

        self._when_seen(index, found)

    def _when_seen(self, index: LineIndex, go: Callable[[], object]) -> None:
        """At once, if what there is has been looked at; else as soon as it has."""
        end = self.view.buffer.end

        def wanted() -> bool:
            if not index.has_seen(self.view.buffer.first, min(end, self.view.buffer.end)):
                return False
            go()
            return True

        self._wanted = wanted
        self._tick()

    def _here(self, step: int) -> int:
        """Where the user is: at the line gone to last, if it is in sight."""
        first, last = self.view.visible_numbers
        current = self.view.current
        if current is not None and first <= current <= last:
            return current
        return first - 1 if step > 0 else last + 1

    def _step(self, index: LineIndex, number: int, step: int) -> bool:
        """Go to the next line of an index that is shown; whether there is one."""
        begin = place = index.next(number, step)
        while place is not None and not self.view.rows.shows(place):
            place = index.next(place, step)
            if place == begin:
                return False
        if place is None:
            return False
        self.view.go_to(place)
        self._tell()
        return True

    # Looking ----------------------------------------------------------------------------

    def _indexes(self) -> Sequence[LineIndex]:
        view = self.view
        return [index for index in (view.search, view.filter, self._errors) if index is not None]

    def _tick(self) -> None:
        if not self.is_attached:
            return
        if not self._is_looking and any(index.is_behind for index in self._indexes()):
            self._is_looking = True
            self.app.run_worker(read(self._look), description="search", exit_on_error=False)
        if self._wanted is not None and self._wanted():
            self._wanted = None
        self._tell()

    def _look(self) -> None:
        """Called in a thread."""
        try:
            buffer = self.view.buffer
            catch_up(
                buffer,
                lambda: self._indexes() if self.is_attached and self.view.buffer is buffer else (),
                _REST_SECONDS,
            )
        finally:
            self._is_looking = False

    def _tell(self) -> None:
        """What was found by now."""
        if not self.is_attached:
            return
        for index, bar in (
            (self.view.search, self._search_bar),
            (self.view.filter, self._filter_bar),
        ):
            if index is not None and not bar.is_wrong:
                found = self._found(index) if bar is self._search_bar else self._left(index)
                if index.is_too_slow:
                    bar.tell_mistake(f"takes too long: {found} so far")
                else:
                    bar.tell(found)

    def _found(self, index: LineIndex) -> str:
        """Which match the user is at, and of how many."""
        total, current = len(index.matches), self.view.current
        place = index.place_of(current) if current is not None else 0
        more = "…" if index.is_far_behind else ""
        return f"{place:,}/{total:,}{more}" if total or more else "none"

    def _left(self, index: LineIndex) -> str:
        """How many lines a filter leaves."""
        context = f", {_CONTEXT_LINES} around each" if index.context else ""
        more = "…" if index.is_far_behind else ""
        return f"{counted(len(index.matches), 'line')}{more}{context}"
