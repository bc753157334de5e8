"""A command of `xt run` in the launch form's first field: its options go to the fields."""

from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.submit.owncommand import own_arguments_of
from xt_tui.launching import Launching, TakenOver
from xt_tui.threads import read

if TYPE_CHECKING:
    from xt_tui.screens.launch import LaunchScreen


def take_over(form: "LaunchScreen", launching: Launching) -> bool:
    """Read what the first field says, in a thread, if that is a command of `xt run`; whether it
    is."""
    command = form.command.value
    words = own_arguments_of(command)
    if words is None or not form.is_current:
        return False

    def look() -> None:
        try:
            form.call_later(_fill_in, form, command, launching.taken_over(words))
        except XTError as error:
            form.call_later(form.tell_error, error)

    form.app.run_worker(read(look), description="xt run", exit_on_error=False)
    return True


async def _fill_in(form: "LaunchScreen", command: str, found: TakenOver) -> None:
    """Its options take the place of what the fields said, unless more has been typed since."""
    if form.command.value != command or not form.is_current:
        return
    await form.fill(found.content, focus=form.focused is form.command)
    form.describe(f"taken over from xt run: {', '.join(found.options) or 'the command'}")
    if found.left_out:
        text = f"{', '.join(found.left_out)} left out: the form has no such field"
        form.notify(text, severity="warning", markup=False)
