"""What a launch form means: what would be run, or why nothing is; found out in the background."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from xt_core.errors import XTError
from xt_core.submit.options import RunRequest
from xt_core.submit.owncommand import own_arguments_of
from xt_core.submit.presets import Preset
from xt_tui.background import Background
from xt_tui.faults import Fault, in_line
from xt_tui.launching import Launching

_NO_COMMAND = "write the command to run into the first line"
_OWN_COMMAND = "a command of xt run: enter or tab takes its options into the fields below"
_PAUSE_SECONDS = 0.12
"""Without a key, before what was typed is looked at: a preview costs more than many keys."""


class Preview(VerticalScroll):
    """Says what the engine makes of a form, as it is typed.
    Invariant: `request` is what the form says now, or None while that is not known to be right."""

    @dataclass
    class Previewed(Message):
        """What the request means, or why it means nothing."""

        typed: int
        request: RunRequest | None
        lines: list[str]
        faults: Sequence[Fault] = ()

    def __init__(
        self,
        launching: Launching,
        content: Callable[[], Preset],
        told: Callable[[], object],
    ) -> None:
        """`content` gives what the form says; `told` is called when `request` or `is_current` is
        another."""
        super().__init__(id="preview-scroll")
        self._launching, self._content, self._told = launching, content, told
        self._background = Background(self, "preview")
        self.request: RunRequest | None = None
        self.faults: Sequence[Fault] = ()
        """What was wrong when it was looked at last."""
        self._typed = self._previewed = 0
        """How often the content has changed, and up to which change it is previewed."""
        self._pause: Timer | None = None
        """Runs while the user types."""
        self._page = Static(id="preview", markup=False)

    def compose(self) -> ComposeResult:
        yield self._page

    @property
    def is_current(self) -> bool:
        """Whether it is known what the form means, as it is now."""
        return self._previewed == self._typed

    def note_change(self) -> None:
        """The form says something else. Only what must be is done at each key; the rest when no
        more comes for a while."""
        self._typed += 1
        self.request = None
        self._told()
        if self._pause is None:
            self._pause = self.set_timer(_PAUSE_SECONDS, self._look)
        else:
            self._pause.reset()

    def hurry(self) -> None:
        """Wait for no more keys."""
        if self._pause is not None:
            self._look()

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Say something else until the form changes."""
        self._page.set_class(is_error, "error")
        self._page.update(text)

    def say_above(self, text: str) -> None:
        """Say something in front of what is said now."""
        self._show(f"{text} {self._page.content}".splitlines())

    def _show(self, lines: Sequence[str]) -> None:
        """What it is stands out, tables stay in line."""
        text = Text("\n", no_wrap=True).join(Text(line) for line in lines)
        text.stylize("bold", 0, len(lines[0]) if lines else 0)
        self._page.set_class(False, "error")
        self._page.update(text)

    def _look(self) -> None:
        """Have it found out, in the background, what the form means."""
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        typed, content = self._typed, self._content()
        self._background.ask(lambda: self._meant(typed, content))

    def _meant(self, typed: int, content: Preset) -> Previewed:
        """Called in a thread."""
        if is_empty(content):
            return self.Previewed(typed, None, [_NO_COMMAND])
        if own_arguments_of(content.command) is not None:
            return self.Previewed(typed, None, [_OWN_COMMAND])
        try:
            request, lines = self._launching.planned(content)
        except XTError as error:
            faults = self._launching.faults(content) or [Fault("", in_line(error))]
            return self.Previewed(typed, None, [], faults)
        return self.Previewed(typed, request, lines)

    @on(Previewed)
    def _take(self, message: Previewed) -> None:
        message.stop()
        if message.typed != self._typed or not self.is_attached:
            return  # more has been typed since, or the form closes
        self._previewed, self.request = message.typed, message.request
        self.faults = message.faults
        if self.faults:
            self.say("\n".join(fault.text for fault in self.faults), is_error=True)
        else:
            self._show(message.lines)
        self._told()


def is_empty(content: Preset) -> bool:
    """Whether a form says nothing that could be run."""
    return not content.command and not content.options.get("multi-commands")
