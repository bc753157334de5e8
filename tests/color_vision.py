"""Colours as they are seen with full colour vision and without: how far they are apart."""

import math
from collections.abc import Sequence
from itertools import combinations
from operator import mul

_Triple = tuple[float, float, float]
_SEEN_AS: dict[str, tuple[_Triple, _Triple, _Triple]] = {
    # Machado, Oliveira and Fernandes 2009, severity 1.0, on linear sRGB.
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
VISIONS = tuple(_SEEN_AS)


def least_distance(colors: Sequence[str], vision: str) -> float:
    """The distance in OKLab of the two that are nearest to each other, of ``#rrggbb``."""
    seen = [_oklab(_as_seen(color, vision)) for color in colors]
    return min(math.dist(one, other) for one, other in combinations(seen, 2))


def _as_seen(shown: str, vision: str) -> list[float]:
    encoded = [int(shown[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [((part + 0.055) / 1.055) ** 2.4 if part else 0.0 for part in encoded]
    mixed = [sum(map(mul, row, linear)) for row in _SEEN_AS[vision]]
    return [max(0.0, min(part, 1.0)) for part in mixed]


def _oklab(linear: list[float]) -> _Triple:
    red, green, blue = linear
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )
