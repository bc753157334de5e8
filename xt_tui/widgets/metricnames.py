"""Completion of metrics in a form: names that earlier runs logged."""

from collections.abc import Sequence

from textual.suggester import Suggester


class MetricSuggester(Suggester):
    """Completes the last of the metrics that are written, as in `acc:max,lat`."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.names: Sequence[str] = ()
        """What is offered, the likeliest first."""

    async def get_suggestion(self, value: str) -> str | None:
        before, comma, begun = value.rpartition(",")
        word = begun.lstrip()
        found = (name for name in self.names if name.startswith(word) and name != word)
        name = next(found, None) if word else None
        return None if name is None else f"{before}{comma}{begun[: len(begun) - len(word)]}{name}"
