"""Going on after the way to a node was lost, for what is resumed where it was cut off."""

from collections.abc import Callable
from typing import TypeVar

from xt_core.nodes.requests import NoAnswerError

T = TypeVar("T")
_MOST_LOSSES = 3


def persevere(work: Callable[[], T], moved: Callable[[], int]) -> T:
    """The result of `work`, which is begun again each time that the way to the node was lost, as
    long as `moved` (a count of bytes) has grown within the last few times.

    Raises NoAnswerError, and what else `work` raises: a box that cannot be reached again says so.
    """
    losses, before = 0, moved()
    while True:
        try:
            return work()
        except NoAnswerError:
            losses = 0 if moved() > before else losses + 1
            before = moved()
            if losses >= _MOST_LOSSES:
                raise
