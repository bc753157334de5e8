"""How all charts of the metrics pane are shown: what the keys change."""

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum

from xt_core.chart import UNICODE_GLYPHS, Glyphs, Spread
from xt_core.reports.curves import XKind
from xt_tui.charting.ranges import Range

SMOOTHINGS = (0.0, 0.6, 0.9, 0.98)


class Banding(Enum):
    """Whether runs are taken together as means with bands: each group of them, or all."""

    OFF = "no band"
    RANGE = "mean, least to greatest"
    STD = "mean ± std"
    ALL = "mean of all runs"

    @property
    def spread(self) -> Spread:
        """How far bands reach."""
        return Spread.STD if self is Banding.STD else Spread.RANGE


@dataclass(slots=True)
class View:
    """One view of all charts: they share their axis of x, its range and the crosshair."""

    x_kind: XKind = XKind.STEP
    log_x: bool = False
    log_y: frozenset[str] = frozenset()
    """The metrics whose axis is logarithmic: what suits one seldom suits another."""
    smoothing: float = 0.0
    best: bool = False
    banding: Banding = Banding.OFF
    top: bool = True
    """Of too many runs, the best are shown rather than the first."""
    legend: bool = True
    glyphs: Glyphs = field(default=UNICODE_GLYPHS)
    x_range: Range | None = None
    cursor: float | None = None
    """Where the crosshair stands; None: there is none."""
    mark: float | None = None
    """The other end of the range that is being dragged."""
    large: bool = False
    pattern: str = ""
    """What the names of the metrics must match."""
    system: bool = False

    def set_x(self, kind: XKind) -> None:
        """Another axis of x: places on the old one mean nothing on it."""
        if kind is not self.x_kind:
            self.x_kind = kind
            self.leave_places()

    def leave_places(self) -> None:
        """Forget all places on the axis of x."""
        self.x_range = self.cursor = self.mark = None

    def next_smoothing(self) -> None:
        self.smoothing = SMOOTHINGS[bisect_right(SMOOTHINGS, self.smoothing) % len(SMOOTHINGS)]

    def next_banding(self, *, has_groups: bool) -> None:
        """The next kind of band; all groups as one only where there are several."""
        kinds = [kind for kind in Banding if has_groups or kind is not Banding.ALL]
        if self.banding not in kinds:
            self.banding = Banding.OFF
            return
        self.banding = kinds[(kinds.index(self.banding) + 1) % len(kinds)]

    def changes(self, metric: str | None) -> dict[str, str]:
        """What is not as it was at first, for the chart of a metric, in a few words each, by the
        action that undoes it."""
        told = (
            ("system", "system", self.system),
            ("x_kind", f"x: {self.x_kind}", self.x_kind is not XKind.STEP),
            ("log_x", "log x", self.log_x),
            ("log_y", "log y", metric in self.log_y),
            ("smoothing", f"smoothed {self.smoothing:g}", bool(self.smoothing) and not self.best),
            ("best_so_far", "best so far", self.best),
            ("band", self.banding.value, self.banding is not Banding.OFF),
            ("metric_filter", f"metrics {self.pattern}", bool(self.pattern)),
            ("zoom_reset", "zoom", self.x_range is not None),
            ("crosshair", "crosshair", self.cursor is not None),
        )
        return {action: text for action, text, holds in told if holds}
