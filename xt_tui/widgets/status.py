"""The right end of the top line: the team, how fresh what is shown is, what went wrong."""

from xt_core.query.formats import counted
from xt_tui.freshness import Freshness
from xt_tui.widgets.facts import Facts

_NARROW, _NARROWEST = 100, 80


class Status(Facts):
    """One line, short on narrow terminals."""

    def __init__(self) -> None:
        super().__init__(id="status", markup=False)
        self._shown: tuple[object, ...] = ()

    def show(self, fresh: Freshness, team: str, errors: int, read_only: bool) -> None:
        """Say how things are, unless that is what is said."""
        width = self.app.size.width
        wanted = (fresh, team, errors, read_only, width < _NARROW, width < _NARROWEST)
        if wanted == self._shown:
            return
        self._shown = wanted
        parts = ["read-only"] if read_only else []
        if width >= _NARROW:
            parts += [f"E {counted(errors, 'error')}"] if errors else []
            parts += [team, fresh.text]
        else:
            parts += [f"✘{errors}"] if errors else []
            parts += [fresh.text if width >= _NARROWEST or fresh.trouble else fresh.glyph]
        self.update(" · ".join(parts))
        for look in ("-live", "-stale", "-offline"):
            self.set_class(look == fresh.look, look)
