"""What curves are drawn of: runs, or the machines of nodes."""

from dataclasses import dataclass

from xt_core.model.records import Run


@dataclass(frozen=True)
class Machine:
    """A node's machine, which is drawn as a run is: beside others, over time."""

    node: str

    @property
    def name(self) -> str:
        """What the legend says."""
        return self.node

    @property
    def full_name(self) -> str:
        """A name that no run has."""
        return f"machine of {self.node}"


Drawn = Run | Machine
