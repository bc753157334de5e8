"""What a search goes by, as users write it: `loss`, or several metrics as `acc:max,latency:min`."""

from collections.abc import Callable

from xt_core.errors import UsageError
from xt_core.model.records import Objective

_DIRECTIONS = {"max": True, "min": False}
_MEANT = {
    **dict.fromkeys(("up", "more", "most", "high", "higher", "maximum", "maximize"), "max"),
    **dict.fromkeys(("down", "less", "least", "low", "lower", "minimum", "minimize"), "min"),
}
"""What others call a direction."""


def parse_objectives(text: str, maximize: Callable[[str], bool]) -> list[Objective]:
    """The objectives of a text; `maximize` tells the direction of those without one, by name.

    A colon that is followed by no direction belongs to the name. Raises UsageError for a direction
    that is neither `max` nor `min`.
    """
    objectives = [_objective(part.strip(), maximize) for part in text.split(",")]
    names = [objective.metric for objective in objectives]
    for name in names:
        if not name:
            raise UsageError(
                f"--primary-metric {text!r} has an empty name", "as in acc:max,latency:min"
            )
        if names.count(name) > 1:
            raise UsageError(f"--primary-metric names {name} twice", "name each metric once")
    return objectives


def _objective(text: str, maximize: Callable[[str], bool]) -> Objective:
    name, colon, direction = text.rpartition(":")
    if colon and direction in _DIRECTIONS:
        return Objective(name.strip(), _DIRECTIONS[direction])
    if colon and (meant := _MEANT.get(direction.strip().lower())):
        raise UsageError(
            f"--primary-metric {text!r}: a direction is max or min", f"as in {name}:{meant}"
        )
    return Objective(text, maximize(text))
