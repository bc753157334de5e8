"""Runs that differ by their seeds alone, taken together."""

from collections.abc import Mapping, Sequence, Set

from xt_core.model.records import Run, Value
from xt_core.query.fields import Kind
from xt_core.query.formats import format_value
from xt_core.search.values import render_value

Key = tuple[tuple[str, str], ...]
"""A set of hyperparameters, each with its exact value."""


def replicates(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs by their hyperparameters without the seeds, in the order of the first of each.

    The names tell the hyperparameters that vary between the groups, as tables do, unless that
    would not tell some of them apart.
    """
    sets: dict[Key, list[Run]] = {}
    for run in runs:
        sets.setdefault(_without_seeds(run.hparams), []).append(run)
    common = set.intersection(*(set(key) for key in sets)) if sets else set()
    briefly = {
        (name, render_value(value)): format_value(value, Kind.ANY)
        for run in runs
        for name, value in run.hparams.items()
    }
    names = [_name(key, common, briefly) for key in sets]
    if len(set(names)) < len(names):
        names = [_name(key, common, {}) for key in sets]
    named: dict[str, list[Run]] = {}
    for name, members in zip(names, sets.values(), strict=True):
        named.setdefault(name, []).extend(members)
    return named


def _name(key: Key, common: Set[tuple[str, str]], texts: Mapping[tuple[str, str], str]) -> str:
    varying = [
        (name, texts.get((name, value), value))
        for name, value in key
        if (name, value) not in common
    ]
    return ", ".join(f"{name}={text}" for name, text in varying) or "mean"


def _without_seeds(hparams: Mapping[str, Value]) -> Key:
    return tuple(
        (name, render_value(value))
        for name, value in sorted(hparams.items())
        if not name.lower().endswith("seed")
    )
