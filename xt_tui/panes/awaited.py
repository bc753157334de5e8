"""Rows that the user has asked for and does not see yet: keys wait for them, and the screen says
so where that takes a while."""

from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

from xt_tui.typeahead import Typeahead

_LATE_SECONDS = 0.2
_LONGEST_HOLD_SECONDS = 10.0
_LONGEST_FIRST_HOLD_SECONDS = 2.0
"""For the first rows of all, which do not come if there is no connection."""


class Awaited:
    """The arrangement of rows, by its number, that the user waits for."""

    def __init__(self, pane: Widget, tell: Callable[[], object]) -> None:
        """`tell` is called when `is_late` has changed."""
        self._pane, self._tell = pane, tell
        self._asked, self._shown = 1, 0
        self._limit: Timer | None = None
        """Lets go of keys that are held for too long."""
        self.is_late = False

    @property
    def is_waiting(self) -> bool:
        """Whether what was asked for is not shown yet."""
        return self._shown < self._asked

    def ask(self, number: int) -> None:
        """The user waits for that arrangement, which comes by itself."""
        self._asked = number
        self._pane.set_timer(_LATE_SECONDS, self._look)

    def hold_keys(self) -> None:
        """What is typed from now on is meant for rows that may not be there yet."""
        if isinstance(self._pane.app, Typeahead) and self.is_waiting:
            self._pane.app.hold_keys(self.let_keys_go)
            longest = _LONGEST_HOLD_SECONDS if self._shown else _LONGEST_FIRST_HOLD_SECONDS
            self._end_limit()
            self._limit = self._pane.set_timer(longest, self.let_keys_go)

    def show(self, number: int) -> None:
        """That arrangement is what is shown now."""
        self._shown = number
        if number >= self._asked:
            self.let_keys_go()
            self._look()

    def let_keys_go(self) -> None:
        """What was typed acts on what is there."""
        self._end_limit()
        if isinstance(self._pane.app, Typeahead):
            self._pane.app.release_keys(self.let_keys_go)

    def _end_limit(self) -> None:
        """So that it does not end a later hold."""
        if self._limit is not None:
            self._limit.stop()
            self._limit = None

    def _look(self) -> None:
        if self.is_waiting != self.is_late and self._pane.is_attached:
            self.is_late = self.is_waiting
            self._tell()
