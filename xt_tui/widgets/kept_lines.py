"""Lines that are kept as drawn until they change.

Whenever anything on the screen changes, Textual asks each widget around it for all of its lines;
those of other widgets it then frames, filters and crops anew. A widget with many lines and nothing
around them is quicker without: it gives what it gave before.
"""

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class KeptLines(Widget):
    """For a widget that draws itself by `render_line`. In the stylesheet it has a background, but
    no border, padding, tint, or opacity: they would not be seen. As a base it comes after
    `ScrollView`: Textual takes the default styles of the first one only."""

    _kept_for: object = None
    """What the kept lines were drawn for: sizes, scrollbars, background, what filters them."""
    _kept: dict[int, Strip]

    def render_lines(self, crop: Region) -> list[Strip]:
        background, filters = self.background_colors[1], self.get_line_filters()
        drawn_for = self.size, self.virtual_size, self.scrollbars_enabled, background, filters
        if drawn_for != self._kept_for:
            self._kept_for, self._kept = drawn_for, {}
        kept, strips = self._kept, list[Strip]()
        for y in crop.line_range:
            strip = kept.get(y)
            if strip is None:
                strip = self.render_line(y)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, background)
                kept[y] = strip
            strips.append(strip)
        if crop.column_span != (0, self.size.width):
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> "KeptLines":
        if not regions:
            self._kept_for = None
        elif self._kept_for is not None:
            for region in regions:
                for y in region.line_range:
                    self._kept.pop(y, None)
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    def notify_style_update(self) -> None:
        self._kept_for = None
        super().notify_style_update()
