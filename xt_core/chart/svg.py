"""Charts as a picture: Scalable Vector Graphics, with the same axes, colours and dashes.

The background is dark, since the palette's colours were chosen to read on black.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from xt_core.chart.axes import LEAST_LOGARITHMIC, Scale, tick_labels
from xt_core.chart.band import Band
from xt_core.chart.cells import printable
from xt_core.chart.dashes import has_dashes
from xt_core.chart.palette import PALETTE
from xt_core.chart.quantities import Quantity
from xt_core.chart.render import Look, divided, fitted_scales, left_out, shown_value
from xt_core.chart.series import Curve, decimate

Panel = tuple[Sequence[Curve | Band], Look]
"""What a chart shows, and how."""

WIDTH, HEIGHT = 960, 400
"""Pixels of a chart; charts stand below each other. The legend comes on top of the height."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 20, 36, 44
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
_LEGEND_ACROSS, _LEGEND_ROW = 3, 20
_X_TICKS, _Y_TICKS = 9, 7
_DASHES = ("", "12 6", "6 4", "2 4", "12 4 5 4", "10 4 2 4")
"""As `dashes.PATTERNS`, in pixels."""

_STYLE = (
    "text{font:13px sans-serif;fill:#c8c8c8}.title{font-weight:bold;fill:#fff}"
    ".note{font-style:italic;fill:#ffb454}"
    ".axis{stroke:#777;fill:none}.grid{stroke:#2c2c2c}.line{fill:none;stroke-width:1.6}"
    ".raw{fill:none;stroke-width:1;opacity:.35}.band{opacity:.22}"
)


def to_svg(panels: Sequence[Panel]) -> str:
    """A document with these charts, one below the other."""
    body = list[str]()
    top = 0
    for curves, look in panels:
        body += [f'<g transform="translate(0 {top})">', *_panel(curves, look.printable()), "</g>"]
        top += HEIGHT + _LEGEND_ROW * -(-len(curves) // _LEGEND_ACROSS)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
            f'viewBox="0 0 {WIDTH} {top}">',
            f"<style>{_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{top}" fill="#111"/>',
            f'<clipPath id="plot"><rect width="{_PLOT_WIDTH}" height="{_PLOT_HEIGHT}"/></clipPath>',
            *body,
            "</svg>\n",
        ]
    )


def _panel(curves: Sequence[Curve | Band], look: Look) -> Iterator[str]:
    yield _text(WIDTH / 2, 22, look.title, "title", "middle")
    yield _text(WIDTH - _RIGHT, 22, left_out(curves), "note", "end")
    scales = fitted_scales(curves, look)
    if scales is None:
        yield _text(WIDTH / 2, HEIGHT / 2, "no data", "note", "middle")
        return
    yield from _axes(*scales, look, divided(curves, scales[0], look.quantity))
    yield f'<g transform="translate({_LEFT} {_TOP})" clip-path="url(#plot)">'
    for curve in curves:
        yield from _behind(curve, *scales)
    for number, curve in enumerate(curves):
        dash = _DASHES[number] if has_dashes(len(curves)) else ""
        yield from _front(curve, *scales, dash)
    yield "</g>"
    yield from _legend(curves)


def _axes(x_scale: Scale, y_scale: Scale, look: Look, quantity: Quantity) -> Iterator[str]:
    right, bottom = _LEFT + _PLOT_WIDTH, _TOP + _PLOT_HEIGHT
    for value, label in quantity.ticks(x_scale, _X_TICKS):
        x = _LEFT + _across(x_scale, value)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>'
        yield _text(x, bottom + 18, label, "", "middle")
    for value, label in tick_labels(y_scale, _Y_TICKS):
        y = _TOP + _down(y_scale, value)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
        yield _text(_LEFT - 8, y + 4, label, "", "end")
    yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>'
    yield _text(right, bottom + 36, look.x_label, "", "end")


def _behind(curve: Curve | Band, x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    """The surface of a band, or the raw values."""
    color = _color(curve)
    if isinstance(curve, Curve):
        if curve.raw is not None:
            for path in _paths(curve.raw, x_scale, y_scale):
                yield f'<path class="raw" stroke="{color}" d="{path}"/>'
        return
    levels = enumerate(curve.levels(x_scale, _PLOT_WIDTH))
    for is_gap, group in groupby(levels, lambda place: place[1] is None):
        if not is_gap:
            places = [(x, level) for x, level in group if level is not None]
            upper = [f"{x} {_down(y_scale, level.high):.1f}" for x, level in places]
            lower = [f"{x} {_down(y_scale, level.low):.1f}" for x, level in reversed(places)]
            yield f'<path class="band" fill="{color}" d="M{"L".join(upper + lower)}Z"/>'


def _front(curve: Curve | Band, x_scale: Scale, y_scale: Scale, dash: str) -> Iterator[str]:
    color = _color(curve)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    if isinstance(curve, Curve) and curve.scattered:
        for x, y in zip(curve.x, curve.y, strict=True):
            place = f'cx="{_across(x_scale, x):.1f}" cy="{_down(y_scale, y):.1f}"'
            fill = f'fill="none" stroke="{color}"' if curve.is_open else f'fill="{color}"'
            yield f'<circle r="2.5" {fill} {place}/>'
        return
    for path in _paths(curve, x_scale, y_scale):
        yield f'<path class="line" stroke="{color}"{dashed} d="{path}"/>'


def _paths(curve: Curve | Band, x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    """The lines of a curve between its gaps, a few points for each pixel of the width."""
    if isinstance(curve, Band):
        levels = enumerate(curve.levels(x_scale, _PLOT_WIDTH))
        for is_gap, group in groupby(levels, lambda place: place[1] is None):
            if not is_gap:
                places = [(x, level.mean) for x, level in group if level is not None]
                yield "M" + "L".join(f"{x} {_down(y_scale, y):.1f}" for x, y in places)
        return
    for run in decimate(curve, x_scale, _PLOT_WIDTH):
        points = [
            f"{column} {_down(y_scale, value):.1f}"
            for column, *values in zip(*run, strict=True)
            for value in dict.fromkeys(values)
        ]
        # A point that stands alone is a short line, so that it is seen.
        yield "M" + "L".join(points) + ("h3" if len(points) == 1 else "")


def _legend(curves: Sequence[Curve | Band]) -> Iterator[str]:
    room = _PLOT_WIDTH / _LEGEND_ACROSS
    for number, curve in enumerate(curves):
        row, column = divmod(number, _LEGEND_ACROSS)
        x, y = _LEFT + column * room, HEIGHT + row * _LEGEND_ROW
        dash = _DASHES[number] if has_dashes(len(curves)) else ""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        yield (
            f'<path class="line" stroke="{_color(curve)}"{dashed} d="M{x:.1f} {y}h28"/>'
            + _text(x + 36, y + 4, f"{printable(curve.name)} {shown_value(curve, None)}", "", "")
        )


def _color(curve: Curve | Band) -> str:
    return PALETTE[curve.color % len(PALETTE)].hex


def _across(scale: Scale, value: float) -> float:
    return scale.fraction(value) * (_PLOT_WIDTH - 1)


def _down(scale: Scale, value: float) -> float:
    """Pixels from the top; a value far out of range is taken to be just outside."""
    value = max(value, LEAST_LOGARITHMIC) if scale.log else value
    return (1 - min(max(scale.fraction(value), -9.0), 9.0)) * _PLOT_HEIGHT


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    attributes = f' class="{kind}"' if kind else ""
    attributes += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'
