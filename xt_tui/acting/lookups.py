"""What must be looked up before the user can go on: in a thread, with a line that says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.widgets import Static

from xt_core.errors import XTError
from xt_tui.acting.steering import Acted

if TYPE_CHECKING:
    from xt_tui.app import XtApp

T = TypeVar("T")


def look_up(app: "XtApp", what: str, call: Callable[[], T], then: Callable[[T], object]) -> None:
    """Call in a thread, and go on with what it gives, on the UI's own; an error is told instead.

    `what` is shown meanwhile, as "opening run.json".
    """
    line = Static(f"{what}…", classes="busy", markup=False)
    app.main.mount(line)

    def done(found: T) -> None:
        line.remove()
        then(found)

    def work() -> None:
        try:
            found = call()
        except XTError as error:
            app.call_later(line.remove)
            app.post_message(Acted("", [], error))
        except BaseException:
            app.call_later(line.remove)
            raise
        else:
            app.call_later(done, found)

    app.run_worker(work, thread=True, group="act", description=what, exit_on_error=False)
