"""What must be looked up before the user can go on: in a thread, with a line that says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.widgets import Static

from xt_core.errors import XTError
from xt_tui.acting.steering import Acted

if TYPE_CHECKING:
    from xt_tui.app import XtApp

T = TypeVar("T")


def look_up(
    app: "XtApp",
    what: str,
    call: Callable[[], T],
    then: Callable[[T], object],
    discard: Callable[[T], object] = lambda _found: None,
) -> None:
    """Call in a thread, and go on with what it gives, on the UI's own; an error is told instead.

    `what` is shown meanwhile, as "opening run.json". What is typed meanwhile is meant for what
    comes; Esc gives that up: what is found then is given to `discard`.
    """
    line = Static(f"{what}… esc or ctrl+g gives up", classes="busy", markup=False)
    app.main.mount(line)
    is_wanted = True

    def give_up() -> None:
        nonlocal is_wanted
        is_wanted = False
        line.remove()

    def found(what_is: T) -> None:
        if not is_wanted:
            discard(what_is)
            return
        line.remove()
        try:
            then(what_is)
        finally:
            app.release_keys(give_up)

    def failed() -> None:
        if is_wanted:
            line.remove()
            app.release_keys(give_up, is_open=False)

    def work() -> None:
        try:
            what_is = call()
        except XTError as error:
            app.call_later(failed)
            app.post_message(Acted("", [], error))
        except BaseException:
            app.call_later(failed)
            raise
        else:
            app.call_later(found, what_is)

    app.hold_keys(give_up)
    app.run_worker(work, thread=True, group="act", description=what, exit_on_error=False)
