"""What a search is: its algorithm, space, objectives and seed; and which of these fit together.

Invariant: nothing here imports an algorithm, so a submission can be checked in no time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any

from xt_core.errors import UsageError
from xt_core.model.records import Objective
from xt_core.search.axes import Axes, Continuous, Listed
from xt_core.search.space import Space
from xt_core.search.static import DYNAMIC_SEARCH_TYPES, STATIC_SEARCH_TYPES

QMC = "qmc"
TPE = "tpe"
GP = "gp"
BAYESIAN = "bayesian"
CMAES = "cmaes"
NSGA2 = "nsga2"
DGD = "dgd"
ALGORITHMS = (*STATIC_SEARCH_TYPES, *DYNAMIC_SEARCH_TYPES)
GAUSSIAN_PROCESS = (GP, BAYESIAN)
"""Two names of the same."""
LEARNING = (TPE, *GAUSSIAN_PROCESS, CMAES, NSGA2, DGD)
"""The algorithms that go by the results of runs; the others give points known beforehand."""
SINGLE_OBJECTIVE = (CMAES, DGD)


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """All that decides a search, apart from what its trials tell."""

    algorithm: str
    space: Space
    objectives: tuple[Objective, ...]
    seed: int

    def to_json(self) -> dict[str, Any]:
        return {
            "algorithm": self.algorithm,
            "space": self.space.describe(),
            "objectives": [asdict(objective) for objective in self.objectives],
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SearchSpec":
        """The inverse of `to_json`. Raises KeyError or TypeError for other data, UsageError for
        a space that cannot be read."""
        return cls(
            data["algorithm"],
            Space.from_object(data["space"]),
            tuple(Objective(**objective) for objective in data["objectives"]),
            data["seed"],
        )


def check_algorithm(name: str, space: Space, objectives: int) -> None:
    """Raise UsageError if the algorithm does not exist, lacks a package, or cannot search such a
    space for so many objectives."""
    if name not in ALGORITHMS:
        near = get_close_matches(name.lower(), ALGORITHMS, n=1)
        known = f"the search types are {', '.join(ALGORITHMS)}"
        raise UsageError(
            f"unknown search type {name!r}", f"did you mean {near[0]}?" if near else known
        )
    if name in GAUSSIAN_PROCESS and find_spec("torch") is None:
        raise UsageError(
            f"search type {name}: PyTorch is not installed",
            "install the extra: pip install 'xt[gp]'; or use --search-type tpe",
        )
    if name in LEARNING and objectives < 1:
        raise UsageError(
            f"search type {name}: no metric to go by",
            "name one with --primary-metric; random, grid and qmc need none",
        )
    if name in SINGLE_OBJECTIVE and objectives > 1:
        raise UsageError(
            f"search type {name}: {objectives} objectives, but it takes one",
            "use --search-type tpe, gp or nsga2 for several",
        )
    if name == CMAES and space and not _has_numbers(space):
        raise UsageError(
            "search type cmaes: the space has no parameter with numbers to choose among",
            "use --search-type tpe or dgd for choices",
        )


def _has_numbers(space: Space) -> bool:
    return any(
        isinstance(axis, Continuous) or (isinstance(axis, Listed) and axis.ordered)
        for axis in Axes(space).free.values()
    )
