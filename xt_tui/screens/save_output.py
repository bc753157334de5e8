"""Asks where output is to be written, and what of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, RadioSet

from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.one_of import OneOf

_KEYS = "enter saves · tab to what is saved · esc closes"


class Part(StrEnum):
    """What can be saved."""

    MARKED = "marked"
    SHOWN = "shown"
    ALL = "all"
    RAW = "raw"


@dataclass(frozen=True)
class Saving:
    """What is to be written, and where."""

    path: Path
    part: Part


class SaveOutputScreen(ModalScreen[Saving | None]):
    """Overwrites a file only after having said that it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close", priority=True)
    ]

    def __init__(self, folder: Path, name: str, choices: Mapping[Part, str]) -> None:
        """`choices`: what is offered, and how it is called; the first is chosen."""
        super().__init__()
        self._folder, self._name, self._choices = folder, name, dict(choices)
        self._warned_of: Path | None = None

    def compose(self) -> ComposeResult:
        with Dialog("Save output", _KEYS):
            yield Input(self._name, id="answer", compact=True)
            with RadioSet(compact=True):
                for place, text in enumerate(self._choices.values()):
                    yield OneOf(text, value=place == 0)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._warned_of = None
        self._dialog.say()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self._dialog.say("a file name is needed", is_error=True)
            return
        try:
            path = self._folder / Path(event.value.strip()).expanduser()
            problem = self._problem(path)
        except (OSError, RuntimeError) as error:  # too long, not permitted, no such user
            problem = str(error.strerror if isinstance(error, OSError) else error)
        if problem:
            self._dialog.say(problem, is_error=True)
            return
        place = self.query_one(RadioSet).pressed_index
        self.dismiss(Saving(path, list(self._choices)[place]))

    def _problem(self, path: Path) -> str:
        if path.is_dir():
            return f"{path} is a folder: give a file's name"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        if path.exists() and self._warned_of != path:
            self._warned_of = path
            return f"{path.name} exists: enter again overwrites it"
        return ""

    @property
    def _dialog(self) -> Dialog:
        return self.query_one(Dialog)
