"""What the command palette finds: actions, jobs, runs, teams and themes.

Names are looked through in a thread, and only the first matches are shown, so that 100,000 runs
are as quick to find as ten.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from xt_core.services.team import team_names
from xt_tui.acting import teams
from xt_tui.actions import ACTIONS
from xt_tui.actions.action import Action
from xt_tui.keymap import key_text

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_MOST_MATCHES = 40


def matching(
    names: Iterable[str], query: str, most: int = _MOST_MATCHES
) -> list[tuple[str, float]]:
    """The first names that contain the query's words, and how well: whole, from its beginning, or
    anywhere."""
    words = query.lower().split()
    found: list[tuple[str, float]] = []
    for name in names:
        own = name.lower()
        if all(word in own for word in words):
            last = own.rpartition("/")[2]
            score = 1.0 if last == query.lower() else 0.8 if last.startswith(words[0]) else 0.6
            found.append((name, score))
    found.sort(key=lambda match: -match[1])
    return found[:most]


class XtProvider(Provider):
    """A provider that knows its app."""

    @property
    def xt(self) -> "XtApp":
        from xt_tui.app import XtApp

        assert isinstance(self.app, XtApp)
        return self.app

    async def matches(
        self, kind: str, names: list[str], query: str, act: Callable[[str], object]
    ) -> list[Hit]:
        """A hit for each of the names that match."""
        words = query.split()
        wanted = " ".join(words[1:] if words[:1] == [kind] else words)
        if not wanted:
            return []
        found = await asyncio.to_thread(matching, names, wanted)
        return [
            Hit(score, Content(f"{kind} {name}"), lambda name=name: act(name), name)
            for name, score in found
        ]


class ActionProvider(XtProvider):
    """Every action, with its key; of one that is not possible now the reason."""

    async def discover(self) -> Hits:
        for action in ACTIONS.values():
            yield DiscoveryHit(
                self._display(action), self._command(action), action.title, self._help(action)
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in ACTIONS.values():
            score = max(matcher.match(action.title), 0.9 * matcher.match(action.help))
            if score > 0:
                yield Hit(
                    score,
                    self._display(action),
                    self._command(action),
                    action.title,
                    self._help(action),
                )

    def _display(self, action: Action) -> Content:
        keys = key_text(self.xt.user_keys.get(action.id, action.keys))
        return Content(f"{action.title}  [{keys}]")

    def _help(self, action: Action) -> str:
        reason = self.xt.why_not(action, self.screen)
        return action.help if reason is None else f"not now: {reason}"

    def _command(self, action: Action) -> Callable[[], None]:
        return lambda: self.xt.action_perform(action.id)


class JobProvider(XtProvider):
    """Jobs by name."""

    async def search(self, query: str) -> Hits:
        for hit in await self.matches("job", list(self.xt.state.jobs), query, self._go):
            yield hit

    def _go(self, name: str) -> None:
        self.xt.jobs.go_to(name)
        self.xt.main.focus_pane("jobs")


class RunProvider(XtProvider):
    """Runs by name."""

    async def search(self, query: str) -> Hits:
        for hit in await self.matches("run", list(self.xt.state.runs), query, self._go):
            yield hit

    def _go(self, name: str) -> None:
        run = self.xt.state.runs.get(name)
        if run is not None:
            self.xt.main.go_to_run(run.job, name)


class TeamProvider(XtProvider):
    """Teams by name."""

    async def search(self, query: str) -> Hits:
        names = team_names(self.xt.session.config)
        for hit in await self.matches("team", names, query, lambda n: teams.switch(self.xt, n)):
            yield hit


class ThemeProvider(XtProvider):
    """Themes by name."""

    async def search(self, query: str) -> Hits:
        names = sorted(self.xt.available_themes)
        for hit in await self.matches("theme", names, query, self.xt.wear):
            yield hit


PROVIDERS: set[type[Provider] | Callable[[], type[Provider]]] = {
    ActionProvider,
    JobProvider,
    RunProvider,
    TeamProvider,
    ThemeProvider,
}
