"""What panes have in common: a titled border and a place in the key order."""

from textual.containers import Vertical
from textual.widget import Widget


class Pane(Vertical):
    """One pane of the main screen."""

    ALLOW_MAXIMIZE = True

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = title

    @property
    def target(self) -> Widget:
        """The widget that takes the keys when the user goes to the pane."""
        return self
