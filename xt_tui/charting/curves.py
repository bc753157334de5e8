"""The curves of the charts: each grows with its points, as long as its form stays the same."""

from collections.abc import Mapping, Sequence
from operator import is_

from xt_core.chart import Band, Curve, Form, Spread
from xt_core.reports.curves import RunPoints, XKind
from xt_tui.charting.choice import Choice
from xt_tui.charting.colors import Colors
from xt_tui.charting.drawn import Drawn
from xt_tui.charting.points import Points
from xt_tui.charting.view import View


class Curves:
    """Curves by run and metric, and bands by group and metric."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], tuple[Curve, XKind, RunPoints]] = {}
        self._bands: dict[tuple[str, str], Band] = {}

    def of(self, metric: str, choice: Choice, points: Points, colors: Colors, view: View,
           kind: XKind, *, maximize: bool) -> list[Curve | Band]:  # fmt: skip
        """What a chart of a metric shows of what was chosen."""
        form = Form(view.log_x, metric in view.log_y, view.smoothing, _best(view.best, maximize),
                    raw=not choice.groups)  # fmt: skip
        curves = {run.full_name: self._curve(metric, run, points, form, kind)
                  for run in choice.runs if metric in points.of(run.full_name).metrics}  # fmt: skip
        if choice.groups:
            return self._bands_of(metric, choice, curves, colors, view.banding.spread)
        for name, curve in curves.items():
            curve.color = colors[name]
        return list(curves.values())

    def _bands_of(
        self,
        metric: str,
        choice: Choice,
        curves: Mapping[str, Curve],
        colors: Colors,
        spread: Spread,
    ) -> list[Curve | Band]:
        """A band for each group that has logged the metric: the one of before, if it is the same,
        for it remembers what was drawn."""
        bands = list[Curve | Band]()
        for group in choice.groups:
            names = (run.full_name for run in group.runs)
            members = [curves[name] for name in names if name in curves]
            if not members:
                continue
            key = group.name, metric
            band = self._bands.get(key)
            if band is None or band.spread is not spread or not _same(band.members, members):
                band = self._bands[key] = Band("", 0, members, spread)
            band.name, band.color = group.title(len(members)), colors[group.name]
            bands.append(band)
        return bands

    def _curve(self, metric: str, run: Drawn, points: Points, form: Form, kind: XKind) -> Curve:
        name, known = run.full_name, points.of(run.full_name)
        curve, of_kind, of_points = self._curves.get((name, metric), (None, kind, known))
        if curve is None or curve.form != form or of_kind is not kind or of_points is not known:
            curve = Curve(run.name, 0, form)
            self._curves[name, metric] = curve, kind, known
        values = known.metrics[metric].values
        if curve.taken < len(values):
            curve.extend(known.x(metric, kind, curve.taken), values[curve.taken :])
        return curve

    def keep(self, choice: Choice) -> None:
        """Forget the curves of all other runs, and the bands of all other groups."""
        groups = {group.name for group in choice.groups}
        self._bands = {key: band for key, band in self._bands.items() if key[0] in groups}
        names = {run.full_name for run in choice.runs}
        if any(name not in names for name, _ in self._curves):
            self._curves = {key: one for key, one in self._curves.items() if key[0] in names}


def _best(is_wanted: bool, maximize: bool) -> int:
    if not is_wanted:
        return 0
    return 1 if maximize else -1


def _same(known: Sequence[Curve], curves: Sequence[Curve]) -> bool:
    """Whether these are the very same curves."""
    return len(known) == len(curves) and all(map(is_, known, curves))
