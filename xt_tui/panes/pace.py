"""When a pane arranges its rows anew: soon after news, as soon as that disturbs nobody."""

import time
from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

_LEAST_SECONDS_BETWEEN_ORDERS = 0.5
_CALM_SECONDS = 0.4
"""How long after the last key that moved the cursor the rows may move."""
_LONGEST_HOLD_SECONDS = 1.0
"""How long keys may hold news up."""
_LOADING_SECONDS = 2.0
"""Between two arrangements while more and more comes: each sorts all that is there."""


class Pace:
    """Lets news rearrange rows at most twice a second, and not while keys move the cursor."""

    def __init__(
        self, pane: Widget, moved_at: Callable[[], float | None], arrange: Callable[[], object]
    ) -> None:
        """`moved_at` says when keys last moved the cursor, in seconds of the monotonic clock; None
        where there are no rows to arrange, as while the app closes."""
        self._pane, self._moved_at, self._arrange = pane, moved_at, arrange
        self._arranged_at = self._noted_at = 0.0
        self._timer: Timer | None = None
        """Runs while news wait to be arranged."""
        self.is_loading = False
        """Whether the news are part of what comes at first, and more is on its way."""

    def note(self, *, is_loading: bool) -> None:
        """There are news, or all that comes at first has come."""
        if self._timer is None or (self.is_loading and not is_loading):
            self._noted_at = time.monotonic()
            self.is_loading = is_loading
            self._go_on()

    def note_age(self) -> None:
        """Time has passed."""
        self.note(is_loading=self.is_loading)

    def arranged(self) -> None:
        """The rows are arranged now, with all the news."""
        self._forget()
        self._arranged_at = time.monotonic()

    def _go_on(self) -> None:
        """Arrange, or wait for the time to do so."""
        self._forget()
        moved_at = self._moved_at()
        if moved_at is None:
            return
        pause = _LOADING_SECONDS if self.is_loading else _LEAST_SECONDS_BETWEEN_ORDERS
        calm = min(moved_at + _CALM_SECONDS, self._noted_at + _LONGEST_HOLD_SECONDS)
        wait = max(calm, self._arranged_at + pause) - time.monotonic()
        if wait > 0:
            self._timer = self._pane.set_timer(wait, self._go_on)
        else:
            self._arrange()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
