"""Lines of a console as strips of cells: colours, places found, marks, a selection."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from xt_tui.charting.colors import SERIES_COLORS
from xt_tui.console.ansi import decoded, series_of, style_of, styled
from xt_tui.console.matching import Matcher

_KEPT_STRIPS = 1_000


@dataclass(frozen=True)
class LogStyles:
    """The looks of a view's parts."""

    text: Style
    match: Style
    current: Style
    number: Style
    marked: Style


class StripMaker:
    """Makes the strips of lines that are looked at, and remembers the last ones."""

    def __init__(self) -> None:
        self.matchers: Sequence[Matcher] = ()
        """What is shown as found."""
        self._strips: LRUCache[tuple[bytes, int, bool], Strip] = LRUCache(_KEPT_STRIPS)

    def forget(self) -> None:
        """Styles or what is searched for have changed."""
        self._strips.clear()

    def strip(self, line: bytes, styles: LogStyles, *, is_current: bool) -> Strip:
        """A line, as wide as it is."""
        key = line, id(styles), is_current
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._make(line, styles, is_current)
        return strip

    def _make(self, line: bytes, styles: LogStyles, is_current: bool) -> Strip:
        runs = styled(decoded(line))
        base = styles.text
        segments = [Segment(t, base + _style(codes) if codes else base) for t, codes in runs]
        text = "".join(text for text, _ in runs) if self.matchers else ""
        look = styles.current if is_current else styles.match
        for matcher in self.matchers:
            segments = marked(segments, matcher.spans(text), look)
        return Strip(segments)


def marked(
    segments: Sequence[Segment], spans: Sequence[tuple[int, int]], look: Style
) -> list[Segment]:
    """Segments with a style over spans of their characters, which come in order. A long line may
    have thousands of them: all are done in one go, and neighbours become one."""
    result, left, begin = list[Segment](), deque(joined(spans)), 0
    for text, style, _ in segments:
        end, place = begin + len(text), begin
        while left and left[0][0] < end:
            start, stop = max(left[0][0], place), min(left[0][1], end)
            if place < start:
                result.append(Segment(text[place - begin : start - begin], style))
            result.append(Segment(text[start - begin : stop - begin], (style or look) + look))
            place = stop
            if left[0][1] > end:
                break  # it goes on in the next segment
            left.popleft()
        if place < end:
            result.append(Segment(text[place - begin :], style))
        begin = end
    return result


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one."""
    result: list[tuple[int, int]] = []
    for start, stop in spans:
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], stop)
        else:
            result.append((start, stop))
    return result


def _style(codes: str) -> Style:
    number = series_of(codes)
    return style_of(codes) if number is None else Style(color=SERIES_COLORS[number])


def over(strip: Strip, start: int, stop: int, style: Style) -> Strip:
    """A strip with a style over some of its cells."""
    width = strip.cell_length
    start, stop = min(start, width), min(stop, width)
    if start >= stop:
        return strip
    parts = [strip.crop(0, start), strip.crop(start, stop), strip.crop(stop, width)]
    middle = Strip(
        [Segment(text, (old or Style.null()) + style) for text, old, _ in parts[1]], stop - start
    )
    return Strip.join([parts[0], middle, parts[2]])


def characters_before(strip: Strip, cell: int) -> int:
    """The characters of a strip before one of its cells. That which begins a cell before it, being
    of two, is not among them: half of it is seen from there on."""
    return len(strip.text) - len(strip.crop(cell).text)
