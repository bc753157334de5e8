"""The script in the launch form, chosen from those below its folder."""

import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.query.formats import counted
from xt_core.submit.recent import scripts
from xt_tui.launching import Launching
from xt_tui.screens.choose import Choice, ChoiceScreen
from xt_tui.threads import read

if TYPE_CHECKING:
    from xt_tui.screens.launch import LaunchScreen


def choose(form: "LaunchScreen", folder: Path, launching: Launching) -> None:
    """Look for scripts, in a thread; then let the user choose."""

    def find() -> None:
        form.call_later(_offer, form, folder, scripts(folder, launching.recent_commands()))

    form.app.run_worker(read(find), description="scripts", exit_on_error=False)


def _offer(form: "LaunchScreen", folder: Path, paths: Sequence[str]) -> None:
    if not form.is_current:
        return  # it was closed, or something else was opened meanwhile
    if not paths:
        text = f"no .py or .sh file below {folder}"
        form.notify(text, severity="warning", markup=False)
        return
    command = form.command

    def take(path: str | None) -> None:
        if path is not None:
            command.value = with_script(command.value, path)
            command.cursor_position = len(command.value)
            command.focus()

    title = f"Which script? {counted(len(paths), 'script')}, those used last first"
    form.app.push_screen(ChoiceScreen(title, [Choice(path, path) for path in paths]), take)


def with_script(command: str, path: str) -> str:
    """A command with another script in the place of its first word, which may be quoted."""
    stream = io.StringIO(command.strip())
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        lexer.get_token()
        arguments = stream.read().lstrip()
    except ValueError:  # a quote is not closed: nothing follows it
        arguments = ""
    return f"{shlex.quote(path)} {arguments}".rstrip()
