"""A word typed without a field: the text of a record that it is looked for in.

Case is ignored. A word that begins a state finds that state, too.
"""

from collections.abc import Iterable, Mapping

from xt_core.model.encoding import loads
from xt_core.model.records import Value

_BETWEEN = "\n"
"""Stands between the parts, so that no word is found across two: a word holds none."""


def searched(state: str, texts: Iterable[str], tags: Mapping[str, Value]) -> str:
    """The state, and in further lines what else is said of a record; folded as words are."""
    text = f"{state}\n" + _BETWEEN.join(texts)
    for name, value in tags.items():
        text += f"\n{name}\n{'' if value is None else value}"
    return text.casefold()


def holds(text: str, word: str) -> bool:
    """Whether a text that `searched` gave holds a folded word."""
    if word not in text:  # at once: 100,000 texts may be judged at each key
        return False
    return text.startswith(word) or text.find(word, text.index(_BETWEEN)) >= 0


def row_holds(word: str, state: str, *texts: str | None) -> bool:
    """As `holds`, of what `searched` takes, as SQLite has it: the last text is the tags' JSON."""
    *plain, tags = (text or "" for text in texts)
    return holds(searched(state, plain, {} if tags in {"", "{}"} else loads(tags)), word)


def folded(word: str) -> str:
    """The word without its case; "" for what can be in no text."""
    return "" if _BETWEEN in word else word.casefold()
