"""The app as it speaks: toasts, all of which the event log keeps; failures, and how it crashes."""

from textual import on
from textual.app import App
from textual.notifications import SeverityLevel
from textual.worker import Worker, WorkerState

from xt_tui import crash
from xt_tui.controlcodes import harmless
from xt_tui.eventlog import EventLog

ACTS = "act"
"""The group of the workers that do what the user wants done."""


class Telling(App[int]):
    """Nothing that went wrong is kept from the user, or lost when its toast has gone."""

    events: EventLog

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """As Textual's; the log has it too. What was told just now is not told again."""
        if self.events.has_just(severity, title, message):
            return
        self.events.add(severity, title, message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def copy_to_clipboard(self, text: str) -> None:
        """As Textual's, of text that may be pasted anywhere: without control characters."""
        super().copy_to_clipboard(harmless(text, keep="\n\t"))

    @on(Worker.StateChanged)
    def _tell_of_failure(self, event: Worker.StateChanged) -> None:
        """What failed in the background is told."""
        if event.state is WorkerState.ERROR and self.is_running:
            error = event.worker.error
            text = f"{type(error).__name__}: {error}"
            self.notify(text, title=event.worker.description, severity="error", markup=False)

    def _fatal_error(self) -> None:
        """As Textual's, but values of variables are not printed."""
        self._exit_renderables.append(crash.trace(self.console))
        self._close_messages_no_wait()
