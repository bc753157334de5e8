"""What the command palette finds by typing: things of several kinds, the best matches first.

Names are looked through in a thread, and few of them are shown, so that 100,000 runs are as quick
to find as ten.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

MOST_HITS = 100
_MOST_OF_KIND = 40
"""Hits of one kind that match equally well."""


class Match(IntEnum):
    """How well a name matches, the best first."""

    WHOLE = 0
    LATELY = 1
    """It was chosen lately, and its name matches anyhow."""
    BEGINS = 2
    HOLDS = 3
    BY_TEXT = 4
    """Not the name: what is said of it."""


@dataclass(frozen=True)
class Kind:
    """Things of one kind, by name, and what choosing one of them does."""

    noun: str
    """What they are called; empty for actions, which are what they do."""
    names: Collection[str]
    go: Callable[[str], object]
    about: Callable[[str], str] = lambda name: ""
    """What is said of one beside its name, when it is shown."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What is shown and sought in the place of names."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What else they are found by."""
    is_listed: bool = False
    """Whether they are shown before anything is typed."""

    def title(self, name: str) -> str:
        return self.titles.get(name, name)


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    kind: Kind
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is remembered by."""
        return self.kind.noun, self.name


Key = tuple[str, str]


def found(kinds: Sequence[Kind], query: str, recent: Sequence[Key]) -> list[Hit]:
    """What has all words of the query in its name (or in the noun of its kind, or in its text), the
    best matches first, of those what was chosen lately, in the order of `recent`."""
    words = query.lower().split()
    if not words:
        return _offered(kinds, recent)
    ranked: dict[Match, list[Hit]] = {match: [] for match in Match}
    lately: dict[Key, Hit] = {}
    for kind in kinds:
        chosen = {name for noun, name in recent if noun == kind.noun}
        counts = dict.fromkeys(Match, 0)
        for name, match in _matches(kind, words):
            if name in chosen and match in (Match.BEGINS, Match.HOLDS):
                lately[kind.noun, name] = Hit(kind, name)
            elif counts[match] < _MOST_OF_KIND:
                counts[match] += 1
                ranked[match].append(Hit(kind, name))
    ranked[Match.LATELY] = [lately[key] for key in recent if key in lately]
    return [hit for match in Match for hit in ranked[match]][:MOST_HITS]


def _offered(kinds: Sequence[Kind], recent: Sequence[Key]) -> list[Hit]:
    """What is shown before anything is typed: what was chosen lately and is still there, first."""
    by_noun = {kind.noun: kind for kind in kinds}
    lately = [
        Hit(by_noun[noun], name)
        for noun, name in recent
        if noun in by_noun and name in by_noun[noun].names
    ]
    keys = {hit.key for hit in lately}
    listed = (Hit(kind, name) for kind in kinds if kind.is_listed for name in kind.names)
    return [*lately, *(hit for hit in listed if hit.key not in keys)]


def _matches(kind: Kind, words: Sequence[str]) -> Iterator[tuple[str, Match]]:
    """The names of a kind that match, each with how well. There may be 100,000: each costs a look
    for the first word, and no more if it has not got that."""
    nouns = kind.noun.split()
    sought = [word for word in words if word not in nouns]
    first, *others = sought or [""]
    titles, texts = kind.titles, kind.texts
    for name in kind.names:
        title = (titles[name] if titles else name).lower()
        if first in title and (not others or all(word in title for word in others)):
            yield name, _how_well(title, sought)
        elif texts and all(word in f"{title} {texts[name]}".lower() for word in sought):
            yield name, Match.BY_TEXT


def _how_well(title: str, sought: Sequence[str]) -> Match:
    """How well a title matches that has all the words."""
    last, whole = title.rpartition("/")[2], " ".join(sought)
    if whole and whole in (title, last):
        return Match.WHOLE
    return Match.BEGINS if sought and last.startswith(sought[0]) else Match.HOLDS
