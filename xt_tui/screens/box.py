"""The form that adds a box: it is connected to first, and an unknown key has to be accepted.

Invariant: nothing is written of a box that was not reached, or whose form was closed meanwhile.
"""

import queue
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Input, Label, Select, Static

from xt_core.errors import RefusedError, UsageError, XTError
from xt_core.session import Session
from xt_core.ssh.adding import NewBox, UnknownKey, check_new_box, reach_new_box, write_box
from xt_tui.acting.steering import as_told
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.outcome import OutcomeScreen
from xt_tui.telling import ACTS
from xt_tui.widgets.choice_field import ChoiceField

_FIELDS = {
    "name": "gpu1: what to call it, as a target and a node",
    "address": "HOST, USER@HOST:PORT, or a Host of ~/.ssh/config",
    "max-runs": "how many runs at once; empty: as many as its jobs allow",
    "gpus": "those that runs share, as in 0,1; empty: all",
}
_EMPTY = "fill in a name and an address"


class BoxScreen(OutcomeScreen[str | None]):
    """Ends with the name of the box that was added, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close"),
        Binding("ctrl+l", "add", "add"),
    ]

    @dataclass
    class Asked(Message):
        """A host shows a key that is not known; the thread that connects waits for the answer."""

        key: UnknownKey

    @dataclass
    class Ended(Message):
        """The box was added, or why it was not."""

        name: str
        error: XTError | None = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._is_connecting = self._is_closed = False
        self._answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def compose(self) -> ComposeResult:
        setups = sorted(self._session.config.as_dict()["setups"])
        with Vertical(classes="dialog"):
            yield Static("Add a box", classes="dialog-title")
            with Grid(id="box-fields"):
                for name, hint in _FIELDS.items():
                    yield Label(name)
                    yield Input(placeholder=hint, id=f"box-{name}", compact=True)
                yield Label("setup")
                yield ChoiceField(
                    [(Text(name), name) for name in setups],
                    prompt="none: its own Python as it is",
                    id="box-setup",
                    compact=True,
                )
            yield Static(_EMPTY, id="box-state", classes="hint", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    "Connect and add (ctrl+l)", id="add", variant="success", disabled=True,
                    compact=True,
                )  # fmt: skip
                yield Button("Close (esc, ctrl+g)", id="close", compact=True)

    def on_mount(self) -> None:
        self.query_one("#box-name", Input).focus()

    def on_unmount(self) -> None:
        self._is_closed = True
        self._answers.put(False)  # whoever waits for an answer waits no longer

    # What is written --------------------------------------------------------------------

    def _text(self, field: str) -> str:
        return self.query_one(f"#box-{field}", Input).value.strip()

    def _written(self) -> NewBox:
        """What the fields say. Raises UsageError and RefusedError."""
        most, setup = self._text("max-runs"), self.query_one("#box-setup", Select).value
        if most and (not most.isdecimal() or int(most) < 1):
            raise UsageError(f"max-runs {most!r} is no whole number above 0", "as in 2")
        new = NewBox(
            self._text("name"),
            self._text("address"),
            int(most) if most else None,
            self._text("gpus") or None,
            setup if isinstance(setup, str) else None,
        )
        check_new_box(self._session, new)
        return new

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        if self._is_connecting or not self.query("#close"):
            return  # the form is being built, or closes
        is_right = False
        if not (self._text("name") and self._text("address")):
            self._say(_EMPTY)
        else:
            try:
                self._written()
                is_right = True
                self._say("ctrl+l connects, and adds it to your configuration")
            except XTError as error:
                self._say_error(error)
        self.query_one("#add", Button).disabled = not is_right

    def _say(self, text: str, *, is_error: bool = False) -> None:
        state = self.query_one("#box-state", Static)
        state.set_class(is_error, "error")
        state.update(text)

    def _say_error(self, error: XTError) -> None:
        self._say(f"{error.message}\n{error.hint}".strip(), is_error=True)

    # Acts -------------------------------------------------------------------------------

    @on(Button.Pressed, "#add")
    @on(Input.Submitted)
    def action_add(self) -> None:
        """Connect, and add the box."""
        if self._is_connecting or self.query_one("#add", Button).disabled:
            return
        new = self._written()
        self._is_connecting = True
        self.query_one("#add", Button).disabled = True
        self._say(f"connecting to {new.address}…")
        self.app.run_worker(
            lambda: self._add(new),
            thread=True,
            group=ACTS,
            description="add box",
            exit_on_error=False,
        )

    def _add(self, new: NewBox) -> None:
        """Connect and write, in a thread."""
        try:
            reach_new_box(self._session, new, self._accept, _kept)
            if not self._is_closed:
                write_box(self._session, new)
            self.post_message(self.Ended(new.name))
        except Exception as error:  # whatever it is, the form can be sent again
            self.post_message(self.Ended(new.name, as_told(error)))

    def _accept(self, unknown: UnknownKey) -> None:
        """Wait, in the thread that connects, for what the user says of a key."""
        self.post_message(self.Asked(unknown))
        if self._is_closed or not self._answers.get():
            raise RefusedError(f"the key of {unknown.host} was not accepted", "nothing was changed")

    @on(Asked)
    def _ask(self, message: Asked) -> None:
        if self.is_left:
            return  # `on_unmount` answers
        unknown = message.key
        screen = ConfirmScreen(
            f"The key of {unknown.host} is not known. Is it the right one?",
            [f"{unknown.kind} {unknown.fingerprint}"],
            "Compare it with what the machine itself tells: ssh-keygen -lf of its host key.",
            "Accept the key",
            "Refuse",
        )
        self.app.push_screen(screen, lambda yes: self._answers.put(bool(yes)))

    @on(Ended)
    def _ended(self, message: Ended) -> None:
        if self.is_left:
            if message.error is None:
                text = f"box {message.name} was added"
                self.app.notify(text, markup=False)
        elif message.error is None:
            self.end_with(message.name)
        else:
            self._is_connecting = False
            self.query_one("#add", Button).disabled = False
            self._say_error(message.error)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)


def _kept(_unknown: UnknownKey, _file: Path) -> None:
    """An accepted key is written to the user's known hosts, as the question implies."""
