"""Chooses the team whose jobs and runs are shown."""

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from xt_core.errors import XTError
from xt_core.services.team import Team
from xt_tui.state import STYLES
from xt_tui.widgets.dialog import Dialog
from xt_tui.widgets.options import Options

_HINT = "until you leave; from now on: xt use team NAME"


class TeamScreen(ModalScreen[str | None]):
    """Ends with the name of a team, or None; one that is set up wrongly cannot be chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,T,ctrl+g", "dismiss(None)", "close"),
    ]

    def __init__(self, teams: Mapping[str, Team | XTError], current: str) -> None:
        super().__init__()
        self._teams, self._current = teams, current

    def compose(self) -> ComposeResult:
        with Dialog("Work with which team?", _HINT):
            yield Options(
                *(
                    Option(self._line(name, team), name, disabled=isinstance(team, XTError))
                    for name, team in self._teams.items()
                )
            )

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        names = list(self._teams)
        options.highlighted = names.index(self._current) if self._current in names else 0
        options.focus()
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._wear())

    def on_unmount(self) -> None:
        self.app.theme_changed_signal.unsubscribe(self)  # or it would be kept in memory

    def _wear(self) -> None:
        """Lines have their colours in them: they are made anew in those of another theme."""
        for name, team in self._teams.items():
            self.query_one(OptionList).replace_option_prompt(name, self._line(name, team))

    def _line(self, name: str, team: Team | XTError) -> Text:
        line = Text(no_wrap=True)
        line.append("● " if name == self._current else "  ", STYLES["completed"])
        line.append(name, "bold")
        if isinstance(team, XTError):
            return line.append(f"  ✘ {team.message}", STYLES["error"])
        return line.append(f"  {team.services_text()}", "dim")

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
