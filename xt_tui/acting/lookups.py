"""What must be looked up before the user can go on: in a thread, with a line that says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.widgets import Static

from xt_core.errors import XTError
from xt_tui.acting.steering import Acted
from xt_tui.threads import read

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
    one = _LookUp(app, what, then, discard)
    app.hold_keys(one.give_up)
    app.run_worker(read(lambda: one.work(call)), description=what, exit_on_error=False)


class _LookUp(Generic[T]):
    """One that is under way, from the line that is shown until it is taken away."""

    def __init__(
        self,
        app: "XtApp",
        what: str,
        then: Callable[[T], object],
        discard: Callable[[T], object],
    ) -> None:
        self._app, self._then, self._discard = app, then, discard
        self._is_wanted = True
        self._line = Static(f"{what}… esc or ctrl+g gives up", classes="busy", markup=False)
        app.main.mount(self._line)

    def give_up(self) -> None:
        self._is_wanted = False
        self._line.remove()

    def work(self, call: Callable[[], T]) -> None:
        """Called in a thread."""
        try:
            found = call()
        except XTError as error:
            self._app.call_later(self._failed)
            self._app.post_message(Acted("", [], error))
        except BaseException:
            self._app.call_later(self._failed)
            raise
        else:
            self._app.call_later(self._go_on, found)

    def _go_on(self, found: T) -> None:
        if not self._is_wanted:
            self._discard(found)
            return
        self._line.remove()
        try:
            self._then(found)
        finally:
            self._app.release_keys(self.give_up)

    def _failed(self) -> None:
        if self._is_wanted:
            self._line.remove()
            self._app.release_keys(self.give_up, is_open=False)
