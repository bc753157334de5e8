"""The check of a box, as `xt box check` does it: what is found shows as soon as it is."""

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from xt_core.errors import XTError
from xt_core.session import Session
from xt_core.ssh.adding import CONNECT_SECONDS
from xt_tui.acting.steering import as_told
from xt_tui.state import STYLES
from xt_tui.threads import read


class CheckScreen(ModalScreen[None]):
    """Closes at any time; a look that is under way ends by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,ctrl+g", "dismiss", "close"),
        Binding("r,C", "look", "again"),
    ]

    @dataclass
    class Found(Message):
        """What a look has found so far; `heading` is the box and its state."""

        look: int
        heading: str
        lines: list[str]
        is_done: bool

    def __init__(self, session: Session, name: str) -> None:
        super().__init__()
        self._session, self._box = session, name
        self._look, self._is_looking = 0, False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="check"):
            yield Static(id="check-title", classes="dialog-title", markup=False)
            yield Static(id="check-report", markup=False)
            yield Static("esc or ctrl+g closes, r looks again", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.action_look()

    def action_look(self) -> None:
        """Look at the box now, unless that is being done."""
        if self._is_looking:
            return
        self._look, self._is_looking = self._look + 1, True
        look = self._look
        self.query_one("#check-title", Static).update(f"{self._box}: connecting…")
        self.query_one("#check-report", Static).update("")
        found = read(lambda: self._check(look))
        self.app.run_worker(found, description="check box", exit_on_error=False)

    def _check(self, look: int) -> None:
        """Look at the box, in a thread."""
        from xt_core.ssh.boxes import Boxes
        from xt_core.ssh.check import BoxReport, check_box
        from xt_core.ssh.configured import box_address

        def told(report: BoxReport) -> None:
            heading = f"{report.name} ({report.address}): looking…"
            self.post_message(self.Found(look, heading, report.lines()[1:], False))

        boxes = Boxes(self._session.config, self._session.environ, CONNECT_SECONDS)
        try:
            address = str(box_address(self._session.config, self._box))
            system = self._session.config.box(self._box).os
            report = check_box(boxes.of(self._box), address, told, system=system)
            heading, *lines = report.lines()
        except XTError as error:
            heading, lines = f"{self._box}: misconfigured", [f"  ✗ {error}", f"    {error.hint}"]
        except Exception as error:  # whatever it is, one may look again
            heading, lines = f"{self._box}: not checked", [f"  ✗ {as_told(error).message}"]
        finally:
            boxes.close()
        self.post_message(self.Found(look, heading, lines, True))

    @on(Found)
    def _show(self, message: Found) -> None:
        if message.look != self._look or not self.query("#check-report"):
            return
        self._is_looking = not message.is_done
        self.query_one("#check-title", Static).update(message.heading)
        report = Text()
        for line in message.lines:
            state = {"✓": "completed", "✗": "error"}.get(line.strip()[:1])
            report.append(line + "\n", STYLES[state] if state else "dim")
        self.query_one("#check-report", Static).update(report)
