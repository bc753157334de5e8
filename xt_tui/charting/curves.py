"""The curves of the charts: each grows with its points, as long as its form stays the same."""

from collections.abc import Sequence

from xt_core.chart import Band, Curve, Form
from xt_core.model.records import Run
from xt_core.reports.curves import RunPoints, XKind
from xt_core.reports.replicates import replicates
from xt_tui.charting.colors import Colors
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.points import Points
from xt_tui.charting.view import Banding, View


class Curves:
    """Curves by run and metric."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], tuple[Curve, XKind, RunPoints]] = {}

    def of(self, metric: str, runs: Sequence[Drawn], points: Points, colors: Colors,
           view: View, kind: XKind, *, maximize: bool) -> list[Curve | Band]:  # fmt: skip
        """What a chart of a metric shows of some runs."""
        form = Form(view.log_x, metric in view.log_y, view.smoothing, _best(view.best, maximize),
                    raw=view.banding is Banding.OFF)  # fmt: skip
        known = [run for run in runs if metric in points.of(run.full_name).metrics]
        curves = {run.full_name: self._curve(metric, run, points, colors, form, kind)
                  for run in known}  # fmt: skip
        if view.banding is Banding.OFF:
            return list(curves.values())
        only_runs = [run for run in known if isinstance(run, Run)]
        groups: dict[str, Sequence[Drawn]] = {Banding.ALL.value: known}
        if view.banding is Banding.SEEDS and only_runs:
            groups = {**replicates(only_runs)}
        return [
            Band(
                f"{name} ({len(members)})",
                colors[members[0].full_name],
                [curves[run.full_name] for run in members],
            )
            for name, members in groups.items()
            if members
        ]

    def _curve(
        self, metric: str, run: Drawn, points: Points, colors: Colors, form: Form, kind: XKind
    ) -> Curve:
        name, known = run.full_name, points.of(run.full_name)
        curve, of_kind, of_points = self._curves.get((name, metric), (None, kind, known))
        if curve is None or curve.form != form or of_kind is not kind or of_points is not known:
            curve = Curve(run.name, colors[name], form)
            self._curves[name, metric] = curve, kind, known
        curve.color = colors[name]
        values = known.metrics[metric].values
        if curve.taken < len(values):
            curve.extend(known.x(metric, kind, curve.taken), values[curve.taken :])
        return curve

    def keep(self, runs: Sequence[Drawn]) -> None:
        """Forget the curves of all other runs."""
        names = {run.full_name for run in runs}
        if any(name not in names for name, _ in self._curves):
            self._curves = {key: one for key, one in self._curves.items() if key[0] in names}


def _best(is_wanted: bool, maximize: bool) -> int:
    if not is_wanted:
        return 0
    return 1 if maximize else -1
