"""How much of its machine a node may use, where a client's configuration says so."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Limits:
    """What is None is left to the configuration of the node's own machine."""

    max_runs: int | None = None
    """Live at once, over all jobs."""
    gpus: str | None = None
    """Ids, as in ``0,1``."""
    sample_seconds: float | None = None
    """How often what its runs use is looked at; 0 for never."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Limits":
        """The inverse of `to_json`."""
        return Limits(**json.loads(text))


NO_LIMITS = Limits()
