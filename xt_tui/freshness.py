"""How old what is shown is: live, not heard of for a while, or cut off."""

import re
from dataclasses import dataclass

from xt_core.home import is_own_node
from xt_core.model.records import Run
from xt_core.nodes.states import STOPPED, UNRESPONSIVE
from xt_core.query.formats import format_duration
from xt_core.query.registry import JobRow
from xt_core.reports.nodes import state_text
from xt_tui.state import ViewState

_BEFORE_CAUSE = re.compile(r": (?:\[Errno \d+\] )?|\) ")
_LONGEST_CAUSE, _LONGEST_TROUBLE = 25, 40
_MOST_NODES = 3
_REMEDIES = {
    (STOPPED, True): "starts",
    (STOPPED, False): "starts",
    (UNRESPONSIVE, True): "replaces",
}
"""What a key does, by the state of a node and whether it is of this machine: nothing can be
started where nobody answers."""
STALE_SECONDS = 10.0
"""The feed looks every 5 seconds at least, and gives a slow node 2."""


@dataclass(frozen=True)
class Freshness:
    """A glyph with words, and the class that styles them; `trouble` is "" while all is well."""

    text: str
    look: str
    trouble: str = ""

    @property
    def glyph(self) -> str:
        return self.text[:1]


def cause_of(trouble: str) -> str:
    """The end of what went wrong, which tells why; before it stands what it went wrong with."""
    return _shortened(_BEFORE_CAUSE.split(trouble)[-1], _LONGEST_CAUSE)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def freshness(state: ViewState, now: float) -> Freshness:
    """How old the state is; `now` in seconds since 1970."""
    if state.error:
        return Freshness(f"○ offline: {cause_of(state.error)}", "-offline", state.error)
    if not state.loaded:
        return Freshness("◌ loading", "-stale")
    age = now - state.heard
    if age > STALE_SECONDS:
        return Freshness(f"◐ {format_duration(age)} old", "-stale")
    if troubles := state.troubles:
        return Freshness(f"✘ {_shortened(troubles[0], _LONGEST_TROUBLE)}", "-offline", troubles[0])
    if deserted := state.deserted:
        node, others = deserted[0], len(deserted) - 1
        more = f" and {others} more" if others else ""
        text = f"✘ {node['name']}: {state_text(node)}{more}"
        if not (does := _REMEDIES.get((node["state"], is_own_node(node["name"])), "")):
            return Freshness(text, "-stale", "its runs are shown as they were last known")
        return Freshness(f"{text}: 7 s {does} it", "-stale", f"s in the nodes pane (7) {does} it")
    return Freshness("● live", "-live")


def age_of_run(state: ViewState, run: Run, now: float) -> str:
    """How old what is known of a run is, if nothing is heard from where it lives; else nothing."""
    known = state.known_until(run)
    if known is None:
        return ""
    return f"as of {format_duration(now - known)} ago: {run.node} is not heard of"


def age_of_job(state: ViewState, row: JobRow, now: float) -> str:
    """As `age_of_run`, where none of its nodes is heard of."""
    if not state.is_job_silent(row):
        return ""
    known = max(state.last_known[node] for node in row.job.nodes)
    nodes = ", ".join(row.job.nodes[:_MOST_NODES])
    more = "…" if len(row.job.nodes) > _MOST_NODES else ""
    verb = "is" if len(row.job.nodes) == 1 else "are"
    return f"as of {format_duration(now - known)} ago: {nodes}{more} {verb} not heard of"
