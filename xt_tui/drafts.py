"""What was typed into launch forms that were left: each opens again as it was.

They last as long as the UI and are kept in memory alone: command lines may hold secrets.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xt_core.submit.presets import Preset


class Drafts:
    """The contents of forms that were not launched, by what a form is for: the team, and what is
    launched again, as the team calls it ("" for something new)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Preset] = {}

    def take(self, team: str, again: str) -> "Preset | None":
        """What such a form said when it was left, to go on with; None if there is nothing."""
        return self._kept.pop((team, again), None)

    def keep(self, team: str, again: str, content: "Preset") -> None:
        """A form is left."""
        self._kept[team, again] = content

    def launched(self, team: str, again: str, content: "Preset") -> None:
        """What a form said that has been left since was launched: it is no draft, unless it has
        been changed meanwhile."""
        if self._kept.get((team, again)) == content:
            del self._kept[team, again]
