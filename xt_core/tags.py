"""Tags, as a user writes them."""

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.values import parse_value

ARCHIVED = "archived"
"""The tag of runs and jobs that are put away: lists leave them out unless they are asked for."""


def parse_tags(text: str) -> dict[str, Value]:
    """``best,lr=0.1`` as a mapping; a bare name is true. Raises UsageError."""
    tags: dict[str, Value] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = item.partition("=")
        if not name.strip():
            raise UsageError(f"a tag without a name: {item!r}", "as in --tags best,note=x")
        tags[name.strip()] = parse_value(value.strip()) if equals else True
    return tags
