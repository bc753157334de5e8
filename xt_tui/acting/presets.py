"""Presets of the launch form: one is filled in, deleted, or saved from what the form says."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.home import Home
from xt_core.submit.presets import (
    Preset,
    check_preset_name,
    delete_preset,
    presets,
    save_preset,
)
from xt_tui.screens.ask import AskScreen
from xt_tui.screens.choose import Choice, ChoiceScreen

if TYPE_CHECKING:
    from xt_tui.screens.launch import LaunchScreen


def choose(form: "LaunchScreen", home: Home) -> None:
    """Let the user fill in one of the team's presets, or delete some."""
    try:
        known = presets(home)
    except XTError as error:
        form.notify(error.message, severity="error", markup=False)
        return
    if not known:
        form.notify("no presets yet: ctrl+s saves what the form says as one", markup=False)
        return

    async def take(name: str | None) -> None:
        if name is not None:
            await form.fill(known[name])

    def forget(name: str) -> bool:
        return _attempt(form, f"preset {name} deleted", lambda: delete_preset(home, name))

    choices = [Choice(name, name, _summary(preset)) for name, preset in known.items()]
    hint = "enter fills it in · D deletes it · / filters · esc, ctrl+g or q leaves"
    form.app.push_screen(ChoiceScreen("Which preset?", choices, hint=hint, delete=forget), take)


def save(form: "LaunchScreen", home: Home) -> None:
    """Ask for a name, and keep what the form says now under it."""
    content = form.content

    def take(name: str | None) -> None:
        if name is not None:
            _attempt(form, f"preset {name} saved", lambda: save_preset(home, name, content))

    hint = "the name; a preset of that name is replaced"
    form.app.push_screen(AskScreen("Save as preset", hint, _check_if_any), take)


def _attempt(form: "LaunchScreen", done: str, call: Callable[[], None]) -> bool:
    """Whether a call did what it should, which the user is told."""
    try:
        call()
    except XTError as error:
        form.notify(error.message, severity="error", markup=False)
        return False
    form.notify(done, markup=False)
    return True


def _check_if_any(name: str) -> None:
    if name:
        check_preset_name(name.strip())


def _summary(preset: Preset) -> str:
    """A preset in one line."""
    options = [
        f"--{name}" if text is True else f"--{name} {text}" for name, text in preset.options.items()
    ]
    searched = [f"{name}={values}" for name, values in preset.parameters]
    return " ".join([preset.command, *searched, *options])
