"""Grid and random search whose points are known before submission.

Invariant: a point is a pure function of (space, search type, seed, run_index), the same in every
process and Python version: a repeated index can never give another point.
"""

import hashlib
import math
from difflib import get_close_matches

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.distributions import Discrete, Distribution
from xt_core.search.space import Space

GRID = "grid"
RANDOM = "random"
STATIC_SEARCH_TYPES = (GRID, RANDOM)
DYNAMIC_SEARCH_TYPES = ("tpe", "bayesian", "gp", "cmaes", "qmc", "nsga2", "dgd")
"""Those whose points are chosen when their runs start."""
UNIFORM_BITS = 52
"""With 53 the largest (k + 0.5) / 2**53 would round to 1."""


def choose_search_type(explicit: str | None, space: Space, runs: int | None) -> str:
    """The explicit type; else grid if every parameter has listed values and `runs` is not given,
    else random. Raises UsageError for a type that is not static."""
    if explicit is None:
        return GRID if runs is None and space.size is not None else RANDOM
    if explicit not in STATIC_SEARCH_TYPES:
        names = (*STATIC_SEARCH_TYPES, *DYNAMIC_SEARCH_TYPES)
        near = get_close_matches(explicit.lower(), names, n=1)
        known = ", ".join(names)
        hint = f"did you mean {near[0]}?" if near else f"the search types are {known}"
        raise UsageError(f"unknown search type {explicit!r}", hint)
    return explicit


def static_count(
    space: Space, search_type: str, runs: int | None, max_runs: int | None, nodes: int
) -> int:
    """How many points a search has.

    `runs` wins; else a grid has all its combinations or `max_runs` if they are more, and a random
    search has `max_runs` points or one for each node.
    """
    if runs is not None:
        return runs
    if search_type == GRID:
        return space.grid_size if max_runs is None else min(max_runs, space.grid_size)
    return nodes if max_runs is None else max_runs


def static_sets(
    space: Space,
    search_type: str,
    runs: int | None,
    max_runs: int | None,
    nodes: int,
    seed: int,
) -> list[dict[str, Value]]:
    """All points of a search, by run_index."""
    count = static_count(space, search_type, runs, max_runs, nodes)
    return [point(space, search_type, seed, run_index) for run_index in range(count)]


def grid(space: Space, count: int | None, seed: int) -> list[dict[str, Value]]:
    """The first `count` points of a grid (all of them for None), beginning anew after the last."""
    return static_sets(space, GRID, count, None, 1, seed)


def random(space: Space, count: int, seed: int) -> list[dict[str, Value]]:
    """The first `count` points of a random search."""
    return static_sets(space, RANDOM, count, None, 1, seed)


def point(space: Space, search_type: str, seed: int, run_index: int) -> dict[str, Value]:
    """The point at `run_index`, counted from 0; inactive parameters are absent.

    A grid has every active combination of listed values once, and the index is taken modulo their
    number: the first parameter varies fastest, but one that conditions name varies slower than
    what depends on it. Parameters without listed values are sampled afresh at every index.
    Raises UsageError for a grid whose conditions are too entangled to count.
    """
    digits = space.combinations.digits(run_index) if search_type == GRID else {}

    def choose(name: str, distribution: Distribution) -> Value:
        if isinstance(distribution, Discrete) and name in digits:
            return distribution.values[digits[name]]
        return distribution.sample(uniform(seed, run_index, name))

    return space.draw(choose)


def uniform(seed: int, run_index: int, name: str) -> float:
    """A number in (0, 1), both excluded, that depends on the arguments only."""
    key = f"{seed}:{run_index}:{name}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(key, digest_size=8).digest()
    bits = int.from_bytes(digest, "big") >> (64 - UNIFORM_BITS)
    return math.ldexp(bits + 0.5, -UNIFORM_BITS)
