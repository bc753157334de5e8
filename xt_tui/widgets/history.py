"""What was entered in a field before, to go back and forth in."""

from collections.abc import Iterable


class History:
    """Texts, the newest last, and behind them the one that is being written, which comes back."""

    def __init__(self, texts: Iterable[str] = (), most: int = 50) -> None:
        """No more than the newest `most` are kept."""
        self.texts = list(texts)[-most:]
        self._most = most
        self.rewind()

    def rewind(self) -> None:
        """Another text is being written."""
        self._place, self._own = len(self.texts), ""

    def step(self, by: int, text: str) -> str:
        """What was entered so many steps later, or earlier if negative, than what the field shows,
        which is `text`."""
        if self._place == len(self.texts):
            self._own = text
        self._place = min(max(0, self._place + by), len(self.texts))
        return [*self.texts, self._own][self._place]

    def keep(self, text: str) -> None:
        """A text was entered: it is the newest now. An empty one is not kept."""
        if text:
            self.texts = [*(each for each in self.texts if each != text), text][-self._most :]
        self.rewind()
