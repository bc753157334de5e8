"""Runs that differ by their seeds alone, taken together."""

from collections.abc import Mapping, Sequence

from xt_core.model.records import Run, Value
from xt_core.search.values import render_value


def replicates(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs by their hyperparameters without the seeds, in the order of the first of each.

    The names tell the hyperparameters that vary between the groups.
    """
    sets: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        sets.setdefault(_without_seeds(run.hparams), []).append(run)
    common = set.intersection(*(set(key) for key in sets)) if sets else set()
    named: dict[str, list[Run]] = {}
    for key, members in sets.items():
        varying = ", ".join(f"{name}={value}" for name, value in key if (name, value) not in common)
        named.setdefault(varying or "mean", []).extend(members)
    return named


def _without_seeds(hparams: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, render_value(value))
        for name, value in sorted(hparams.items())
        if not name.lower().endswith("seed")
    )
