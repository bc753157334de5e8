"""The tags of a run: what it logged itself, overlaid with what clients set and removed.

A node delivers the logged ones again and again; what a client did stays.
"""

from dataclasses import dataclass, field

from xt_core.model.encoding import dumps, loads
from xt_core.model.records import Value

Tags = dict[str, Value]


@dataclass
class ClientTags:
    """What clients did to the tags of a run."""

    given: Tags = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, text: str | None) -> "ClientTags":
        """The inverse of `to_json`; of nothing, nothing."""
        return cls(*loads(text)) if text else cls()

    def to_json(self) -> str:
        return dumps([self.given, self.removed])

    def changed(self, before: Tags, after: Tags) -> "ClientTags":
        """With one more change: a client that saw the tags `before` made them `after`."""
        gone = before.keys() - after.keys()
        given = {name: value for name, value in self.given.items() if name not in gone}
        given |= {n: v for n, v in after.items() if n not in before or before[n] != v}
        return ClientTags(given, sorted((set(self.removed) | gone) - given.keys()))

    def over(self, logged: Tags) -> Tags:
        """The tags that a run has which logged these."""
        return {n: v for n, v in logged.items() if n not in self.removed} | self.given
