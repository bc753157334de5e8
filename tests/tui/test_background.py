"""Calls off the UI's thread: one that fails is told, and ends nothing."""

import threading
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import App
from textual.message import Message
from textual.widget import Widget
from tui_support import until

from xt_tui.background import Background


@dataclass
class Done(Message):
    value: int


class Owner(Widget):
    """Keeps what its calls gave."""

    def __init__(self) -> None:
        super().__init__()
        self.background = Background(self, "counting")
        self.values: list[int] = []

    @on(Done)
    def _keep(self, message: Done) -> None:
        self.values.append(message.value)


class OwnerApp(App[int]):
    """Keeps what it is to tell."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    def on_mount(self) -> None:
        self.mount(Owner())

    def notify(self, message: str, *, title: str = "", **_looks: Any) -> None:
        self.told.append((title, message))


async def test_a_call_that_fails_is_told_and_what_was_asked_for_meanwhile_is_made() -> None:
    app = OwnerApp()
    async with app.run_test() as pilot:
        owner = app.query_one(Owner)
        began, asked = threading.Event(), threading.Event()

        def fail() -> Done:
            began.set()
            assert asked.wait(60)
            raise ZeroDivisionError("no")

        owner.background.ask(fail)
        await until(pilot, began.is_set)
        owner.background.ask(lambda: Done(1))
        owner.background.ask(lambda: Done(2))  # what is overtaken is never made
        asked.set()
        await until(pilot, lambda: owner.values == [2])
        assert app.told == [("counting", "ZeroDivisionError: no")]
        owner.background.ask(lambda: Done(3))
        await until(pilot, lambda: owner.values == [2, 3])
