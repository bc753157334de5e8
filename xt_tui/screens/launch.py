"""The launch form: a command, the options of `xt run`, and a preview of what would be run.

The fields are those of `RUN_OPTIONS`; what they mean and whether they are right is decided by the
engine's `prepare`, in the background, as the user types. Invariant: what is launched is what the
fields say at that moment, and it is launched once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from xt_core.errors import XTError
from xt_core.reports.plans import plan_lines
from xt_core.session import Session
from xt_core.submit.options import (
    RUN_OPTIONS,
    Kind,
    RunOption,
    RunRequest,
    command_line,
    request_from_texts,
)
from xt_core.submit.submission import Submission, prepare, submit
from xt_tui.background import Background

_MOST_ROWS = 8
_WIDEST_CELL = 24
_FIRST = ("concurrent", "runs", "search-type", "max-runs", "seed", "primary-metric")
"""The options that a search most often needs stand first."""


class LaunchScreen(ModalScreen[Submission | None]):
    """Ends with the submission, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close"),
        Binding("ctrl+l", "launch", "launch"),
        Binding("ctrl+y", "copy", "copy as command"),
    ]

    @dataclass
    class Previewed(Message):
        """What the request means, or why it means nothing."""

        typed: int
        request: RunRequest | None
        lines: list[str]
        error: str = ""

    @dataclass
    class Noted(Message):
        """The engine warns of something while it submits."""

        text: str

    @dataclass
    class Submitted(Message):
        """The outcome of a launch."""

        submission: Submission | None
        error: str = ""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._background = Background(self, "preview")
        self._request: RunRequest | None = None
        """What the fields say, once it is known to be right."""
        self._typed = 0
        self._is_wanted = self._is_submitting = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="launch"):
            yield Static("Launch a run or a search", classes="dialog-title")
            yield Label(f"script and arguments, in {self._session.cwd}", markup=False)
            yield Input(
                placeholder="train.py --lr=[.01,.03] --hidden=[16,32]", id="command", compact=True
            )
            with VerticalScroll(id="options", can_focus=False):
                for option in _ordered():
                    yield from _field(option)
            with VerticalScroll(id="preview-scroll"):
                yield Static(id="preview", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    "Launch (ctrl+l)", id="go", variant="success", disabled=True, compact=True
                )
                yield Button("Copy as command (ctrl+y)", id="copy", disabled=True, compact=True)
                yield Button("Close (esc, ctrl+g)", id="close", compact=True)

    def on_mount(self) -> None:
        self.query_one("#command", Input).focus()

    # Preview ----------------------------------------------------------------------------

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        if not self.query("#command") or len(self.query("#options Input, #options Select")) < len(
            RUN_OPTIONS
        ):
            return  # the form is being built, or closes
        self._typed += 1
        self._is_wanted = False
        self._set_request(None)
        typed, command = self._typed, self.query_one("#command", Input).value
        texts = self._texts()
        self._background.ask(lambda: self._preview(typed, command, texts))

    def _texts(self) -> dict[str, str | bool]:
        texts: dict[str, str | bool] = {}
        for option in RUN_OPTIONS:
            widget = self.query_one(f"#option-{option.name}")
            if isinstance(widget, Input):
                texts[option.name] = widget.value.strip()
            elif isinstance(widget, Select) and not widget.is_blank():
                texts[option.name] = option.kind is Kind.FLAG or str(widget.value)
        return texts

    def _preview(self, typed: int, command: str, texts: dict[str, str | bool]) -> Previewed:
        if not command.strip() and not texts.get("multi-commands"):
            return self.Previewed(typed, None, [])
        try:
            request = request_from_texts(command, texts)
            session = self._for(request)
            try:
                plan = prepare(session, request).plan
            finally:
                session.close()
        except XTError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return self.Previewed(typed, None, [], error.message + hint)
        return self.Previewed(typed, request, plan_lines(plan, _MOST_ROWS))

    def _for(self, request: RunRequest) -> Session:
        session = self._session
        return Session(session.home, session.cwd, session.environ, request.overrides())

    @on(Previewed)
    def _show_preview(self, message: Previewed) -> None:
        if message.typed != self._typed or not self.query("#preview"):
            return  # more has been typed since, or the form closes
        preview = self.query_one("#preview", Static)
        preview.set_class(bool(message.error), "error")
        preview.update(message.error or "\n".join(message.lines))
        self._set_request(message.request)
        if self._is_wanted:
            self.action_launch()

    def _set_request(self, request: RunRequest | None) -> None:
        self._request = request
        self.query_one("#go", Button).disabled = request is None or self._is_submitting
        self.query_one("#copy", Button).disabled = request is None

    # Acts -------------------------------------------------------------------------------

    @on(Button.Pressed, "#go")
    @on(Input.Submitted, "#command")
    def action_launch(self) -> None:
        """Launch what is previewed; what is not yet previewed, as soon as it is."""
        self._is_wanted = self._request is None
        if self._request is None or self._is_submitting:
            return
        self._is_submitting = True
        self.query_one("#go", Button).disabled = True
        request = self._request
        self.run_worker(
            lambda: self.post_message(self._submit(request)),
            thread=True,
            group="submit",
            description="submit",
            exit_on_error=False,
        )

    def _submit(self, request: RunRequest) -> Submitted:
        session = self._for(request)
        try:
            submission = submit(session, prepare(session, request), self._warn)
        except XTError as error:
            return self.Submitted(None, f"{error.message} {error.hint}".strip())
        finally:
            session.close()
        return self.Submitted(submission)

    def _warn(self, text: str) -> None:
        self.post_message(self.Noted(text))

    @on(Noted)
    def _note(self, message: Noted) -> None:
        self.app.notify(message.text, severity="warning", markup=False)

    @on(Submitted)
    def _submitted(self, message: Submitted) -> None:
        self._is_submitting = False
        if message.submission is not None:
            self.dismiss(message.submission)
            return
        preview = self.query_one("#preview", Static)
        preview.add_class("error")
        preview.update(message.error)
        self._set_request(self._request)

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        if self._request is not None:
            self.app.copy_to_clipboard(command_line(self._request))
            self.notify(command_line(self._request), title="copied", markup=False)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)


def _ordered() -> list[RunOption]:
    place = {name: number for number, name in enumerate(_FIRST)}
    return sorted(RUN_OPTIONS, key=lambda option: place.get(option.name, len(place)))


def _field(option: RunOption) -> Iterator[Label | Input | Select[str]]:
    """A label and a widget for an option."""
    name = f"option-{option.name}"
    yield Label(option.name)
    if option.kind in (Kind.CHOICE, Kind.FLAG):
        choices = option.choices or ("yes",)
        pairs = [(choice, choice) for choice in choices]
        yield Select(pairs, prompt=option.help, id=name, compact=True)
    else:
        yield Input(placeholder=option.help, id=name, compact=True)
