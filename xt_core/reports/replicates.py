"""Runs that differ by their seeds alone, taken together."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from xt_core.model.records import Run, Value
from xt_core.query.formats import format_float
from xt_core.search.values import render_value


def replicates(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs by their hyperparameters without the seeds, in the order of the first of each.

    The names tell the hyperparameters that vary between the groups.
    """
    sets: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        sets.setdefault(_without_seeds(run.hparams), []).append(run)
    common = set.intersection(*(set(key) for key in sets)) if sets else set()
    varying = [[pair for pair in key if pair not in common] for key in sets]
    names = [_name(pairs, _shortened) for pairs in varying]
    if len(set(names)) < len(names):  # too short to tell them apart
        names = [_name(pairs, str) for pairs in varying]
    named: dict[str, list[Run]] = {}
    for name, members in zip(names, sets.values(), strict=True):
        named.setdefault(name, []).extend(members)
    return named


def _name(pairs: Iterable[tuple[str, str]], shown: Callable[[str], str]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in pairs) or "mean"


def _shortened(text: str) -> str:
    """The text of a number with fewer digits: ``0.0152`` for ``0.015178991141206594``."""
    try:
        number = float(text)
    except ValueError:
        return text
    return min(text, format_float(number), key=len)


def _without_seeds(hparams: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, render_value(value))
        for name, value in sorted(hparams.items())
        if not name.lower().endswith("seed")
    )
