"""The exponential moving average of values that keep coming."""

_NEGLIGIBLE = 1e-16


class Smoother:
    """An average that starts from zero and is divided by the weight seen so far, so it has no bias
    towards its start (Kingma & Ba, "Adam", ICLR 2015, section 3)."""

    def __init__(self, weight: float) -> None:
        """`weight` in [0, 1) is that of the past. Raises ValueError."""
        if not 0 <= weight < 1:
            raise ValueError(f"smoothing is from 0 up to but not including 1, not {weight}")
        self._weight = weight
        self._average, self._unseen = 0.0, 1.0

    def smooth(self, values: list[float]) -> list[float]:
        """The averages at values that follow those of the calls before."""
        weight = self._weight
        if weight == 0 or not values:
            return values
        average, news = self._average, 1.0 - weight
        smooth = [average := average * weight + value * news for value in values]
        self._average = average
        for index in range(len(smooth)):
            self._unseen *= weight
            if self._unseen < _NEGLIGIBLE:
                self._unseen = 0.0
                break
            smooth[index] /= 1.0 - self._unseen
        return smooth
