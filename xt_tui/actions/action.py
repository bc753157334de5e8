"""What an action is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from xt_tui.app import XtApp

Guard = Callable[["XtApp"], str | None]
"""Why an action is not possible now; None if it is."""

_LOOKING = (
    "xt list", "xt view", "xt attach", "xt plot", "xt compare", "xt status", "xt keys", "xt tui",
    "xt use team", "xt box check", "xt tensorboard",
)  # fmt: skip
"""Commands that change nothing; every other is taken for one that does."""


def always(_app: "XtApp") -> str | None:
    """For actions that are possible at any time."""
    return None


@dataclass(frozen=True)
class Action:
    """One action. `keys` as Textual names them, comma-separated; `group` is its help heading."""

    id: str
    title: str
    help: str
    keys: str
    group: str
    perform: Callable[["XtApp"], None]
    guard: Guard = always
    in_footer: bool = False
    pane: str = ""
    """The pane that must have the keys, by its id; empty: any. A pane's own keys come first."""
    footer_pane: str = ""
    """The pane whose footer shows it, though its keys work in any."""
    command: str = ""
    """The headless command that does the same."""
    is_everywhere: bool = False
    """Whether its keys work in dialogs and while text is typed."""

    @property
    def is_changing(self) -> bool:
        """Whether it changes anything but the view: by the command that does the same."""
        return bool(self.command) and not self.command.startswith(_LOOKING)

    def binding(self, pane: str = "") -> Binding:
        """The key binding of a pane, or of the app."""
        return Binding(
            self.keys,
            f"app.perform('{self.id}')",
            self.title,
            show=self.in_footer or bool(pane and pane == self.footer_pane),
            tooltip=self.help,
            id=f"xt.{self.id}",
            priority=self.is_everywhere,
        )


def bindings(actions: Iterable[Action], pane: str = "") -> list[BindingType]:
    """The bindings of a pane, or of the app."""
    return [
        action.binding(pane)
        for action in actions
        if pane == action.pane or (pane and pane == action.footer_pane)
    ]
