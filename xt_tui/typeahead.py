"""The app as it is typed at: one key after the other, each once what the one before did is done.

Textual hands a key to the widget that has the keys as it comes, and what the key does happens
later, on the key's way up from there. Of a burst (a fast hand, a slow line, a paste that the
terminal does not mark as one) all keys would go where the first one was pressed: those behind
``/`` would act on the table instead of being typed into the filter. Buttons of the mouse are keys
in this: a click that comes behind keys is meant for what they leave there.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeGuard

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.errors import NoWidget
from textual.message_pump import MessagePump

_CALM_ROUNDS = 3
"""Rounds in which neither the screen nor the focus changes: what a key sets off may send messages
in turn, as Enter in a filter does, which gives the keys back to the table."""
_MOST_ROUNDS = 30
_PATIENCE_SECONDS = 2.0
"""With a widget that went away with its messages unread: it will never answer."""
_GIVING_UP = ("escape", "ctrl+g", "ctrl+c")

Typed = events.Key | events.Paste
Button = events.MouseDown | events.MouseUp
Input = Typed | events.MouseEvent


class Typeahead(App[int]):
    """Keys, pastes and buttons of the mouse wait for their turn; what else it does, behind
    those."""

    def __init__(self, css_path: Path) -> None:
        super().__init__(css_path=css_path)
        self._takes_keys = False
        self._typed: deque[Input] = deque()
        self._current: Input | None = None
        self._typing: asyncio.Task[None] | None = None
        self._holds: list[Callable[[], object]] = []

    async def on_event(self, event: events.Event) -> None:
        """As Textual's, but what is typed is queued; what comes while the app closes is dropped."""
        if isinstance(event, Input) and not self.screen_stack:
            return
        if not self._has_to_wait(event):
            if not self._is_on_what_passes(event):
                await super().on_event(event)
        elif self._holds and isinstance(event, events.Key) and event.key in _GIVING_UP:
            self._give_up()
        else:
            self._typed.extend(self._apart(event))
            self._type_on()

    def _apart(self, event: Input) -> list[Input]:
        """Esc and a key right behind it look to a terminal's reader like that key with Alt: where
        nothing is bound to that, it was the two."""
        if not isinstance(event, events.Key) or not event.key.startswith("alt+"):
            return [event]
        character = event.character or ""  # Textual says so of letters and digits only
        if not character.isalnum() or event.key in self.screen.active_bindings:
            return [event]
        return [events.Key("escape", None), events.Key(character, character)]

    def _has_to_wait(self, event: events.Event) -> TypeGuard[Input]:
        """Keys always. A button too, since what it does takes a while as well; but where keys are
        held and none waits, it is meant for what is in sight."""
        if not isinstance(event, Input) or event.is_forwarded or event is self._current:
            return False
        if isinstance(event, Typed) or self._typed:
            return True
        if not self._may_type:
            return False
        return isinstance(event, Button) or self._typing is not None

    def take_keys(self) -> None:
        """From now on: before, there was nothing that they could be meant for."""
        self._takes_keys = True
        self._type_on()

    def type_next(self, key: str) -> None:
        """Have a key act as if it had been pressed right behind the present one."""
        self._typed.appendleft(events.Key(key, None))
        self._type_on()

    def hold_keys(self, give_up: Callable[[], object]) -> None:
        """What is typed from now on is meant for something that will open: it waits until
        `release_keys` with the same `give_up`, which is called if the user does not want to wait.
        """
        if give_up not in self._holds:
            self._holds.append(give_up)

    def release_keys(self, give_up: Callable[[], object], *, is_open: bool = True) -> None:
        """What was typed acts now; or is forgotten where nothing has opened."""
        if not is_open:
            self._forget_typed()
        if give_up in self._holds:
            self._holds.remove(give_up)
        self._type_on()

    def _give_up(self) -> None:
        """Nothing will open: what was typed for it is forgotten."""
        holds, self._holds = self._holds, []
        self._forget_typed()
        for give_up in holds:
            give_up()
        self._type_on()

    def _forget_typed(self) -> None:
        """All but that a button was let go of, which was pressed before."""
        typed, self._typed = self._typed, deque()
        for event in typed:
            if isinstance(event, events.MouseDown):
                break
            if isinstance(event, events.MouseUp):
                self._typed.append(event)

    @property
    def _may_type(self) -> bool:
        return self._takes_keys and not self._holds

    def _type_on(self) -> None:
        if self._typing is None and self._typed and self._may_type:
            self._typing = asyncio.create_task(self._type())

    async def _type(self) -> None:
        try:
            while self._typed and self._may_type:
                self._current = event = self._typed.popleft()
                touched = self._under_mouse(event)
                self.post_message(event)
                await _reached(self)
                if isinstance(event, Typed | Button):
                    await self._settled(touched)
        except ScreenStackError:  # the app closes
            self._typed.clear()
        finally:
            self._current = self._typing = None

    def _is_on_what_passes(self, event: events.Event) -> bool:
        """Whether a mouse is on what is no longer there but on the screen, or not yet: on a toast
        that comes or goes. Textual asks it for its place and its style, which it does not have."""
        if not isinstance(event, events.MouseEvent) or self.mouse_captured is not None:
            return False
        try:
            widget, _ = self.get_widget_at(event.x, event.y)
        except NoWidget:
            return False
        return not (widget.is_attached and widget.is_mounted)

    def _under_mouse(self, event: events.Event) -> Sequence[DOMNode]:
        """What a button is pressed on, from the innermost outwards."""
        if isinstance(event, Button):
            with contextlib.suppress(NoWidget):
                return self.get_widget_at(event.x, event.y)[0].ancestors_with_self
        return ()

    async def _settled(self, touched: Sequence[DOMNode]) -> None:
        """Wait until all that the key, or the click on what is touched, passes on its way has done
        what it does."""
        before, calm = None, 0
        for _ in range(_MOST_ROUNDS):
            for node in (*touched, *(self.focused or self.screen).ancestors_with_self):
                if node.is_attached:
                    await _reached(node)
            now = self.screen, self.focused
            calm = calm + 1 if now == before else 1
            if calm == _CALM_ROUNDS:
                return
            before = now


async def _reached(pump: MessagePump) -> None:
    """Wait until a widget has handled all messages that it has now."""
    handled = asyncio.Event()
    if pump.call_later(handled.set):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await handled.wait()
