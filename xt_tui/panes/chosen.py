"""The records that keys mean: there may be 100,000, and news of them come ten times a second."""

from collections.abc import Mapping, Sequence
from typing import Generic

from xt_core.query.fields import Record
from xt_tui.panes.arranging import placed


class Chosen(Generic[Record]):
    """The records of the keys that were asked for last, kept current."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self._records = records
        self._keys: Sequence[str] = ()
        self._places: Mapping[str, int] = {}
        self._chosen: list[Record] = []

    def of(self, keys: Sequence[str]) -> list[Record]:
        """The records with these keys; the same keys are known by being the same object."""
        if keys is not self._keys:
            self._keys, self._places = keys, placed(keys)
            self._chosen = [self._records[key] for key in keys]
        return self._chosen.copy()

    def renew(self, news: Mapping[str, Record]) -> bool:
        """Take over what is new of them; whether there is anything."""
        places = {key: place for key in news if (place := self._places.get(key)) is not None}
        for key, place in places.items():
            self._chosen[place] = news[key]
        return bool(places)
