"""Screens that end with what a thread brings, whenever that comes."""

from typing import TypeVar

from textual import events, on
from textual.screen import ModalScreen

Result = TypeVar("Result")


class OutcomeScreen(ModalScreen[Result]):
    """When its outcome comes, another screen may lie over it, or the user may have left it:
    Textual's `dismiss` would take away whatever screen is in front."""

    _outcome: tuple[Result] | None = None

    @property
    def is_left(self) -> bool:
        """Whether the user has left it; until it is gone, some of its widgets are, and messages
        still come."""
        return self not in self.app.screen_stack

    def end_with(self, result: Result) -> None:
        """Leave with a result, as soon as no other screen lies over this one."""
        self._outcome = (result,)
        self._end()

    @on(events.ScreenResume)
    def _end(self) -> None:
        if self._outcome is not None and self.is_active:
            self.dismiss(self._outcome[0])
