"""Rows that stand still while the world goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic

from xt_core.query.fields import Record
from xt_core.query.formats import counted


@dataclass
class Pause(Generic[Record]):
    """The records as they were, since when (seconds since 1970), and what has changed."""

    records: Mapping[str, Record]
    since: float
    held: dict[str, Record] = field(default_factory=dict)

    def hold(self, news: Mapping[str, Record]) -> None:
        """These records are new or have changed; what is as it was is no news."""
        for key, record in news.items():
            if self.records.get(key) != record:
                self.held[key] = record

    def __str__(self) -> str:
        return f"paused: {counted(len(self.held), 'change')} held, p goes on"
