"""What a terminal would still show of a stream of bytes: progress bars redrawn in place.

Lines that no later byte can change go to the line buffer. Those that may be redrawn, by a carriage
return or by moving the cursor up, are open rows until they are left behind.
"""

import re
from dataclasses import dataclass

from xt_tui.console.ansi import LONGEST_LINE, STYLE_CODE, after_code, cells, cut_mark, expanded
from xt_tui.console.lines import LineBuffer

_MOST_ROWS = 200  # a cursor does not go higher than a screen
_WIDEST_COLUMN = 1_000
_FARTHEST_COLUMN = LONGEST_LINE
"""No more blanks are made than are shown."""
_TURN = 1 << 15  # bytes; a reader never waits longer than these take
_MOVE = re.compile(rb"\x1b\[[0-9;?]*[A-GJK]")
_UNFINISHED_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,4}|[ -/]{0,4}|[\]PX^_][^\x07\x1b\n]{0,4096})\Z"
)
_UNFINISHED_CHARACTER = re.compile(
    rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)
_TOKEN = re.compile(
    r"(?P<text>[^\n\r\x08\x1b]+)|(?P<move>[\n\r\x08])"
    r"|\x1b\[(?P<count>[0-?]*)[ -/]*(?P<code>[@-~])"
    r"|\x1b(?:[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)"
)


@dataclass(slots=True)
class _Row:
    """A line with its style codes, the cells it takes, and the codes in force at its end."""

    text: str = ""
    width: int = 0
    codes: str = ""
    left_out: int = 0


class Terminal:
    """Turns the bytes of one source into lines of a buffer."""

    def __init__(self, buffer: LineBuffer, source: int = 0, prefix: str = "") -> None:
        """Each line begins with the `prefix`; with one, lines that are finished stay as they
        are."""
        self._buffer, self._source = buffer, source
        self._prefix = prefix.encode()
        self._rest = b""
        self._rows = [_Row()]
        self._row = self._column = 0
        self._codes = ""
        self._open_above = 0
        """The rows above the last one that the source has been seen to go back to."""

    def feed(self, data: bytes) -> None:
        """More bytes; they may end anywhere. Readers get their turn every now and then."""
        for start in range(0, len(data), _TURN):
            self._feed(data[start : start + _TURN])

    def _feed(self, data: bytes) -> None:
        data = self._rest + data
        stop = _finished(data)
        data, self._rest = data[:stop].replace(b"\r\n", b"\n"), data[stop:]
        with self._buffer.lock:
            self._take(data)
            self._show()

    def finish(self) -> None:
        """No more comes: every row is a finished line."""
        with self._buffer.lock:
            self._take(self._rest.rstrip(b"\r"))
            self._rest = b""
            if self._rows[-1].text or self._rows[-1].left_out:
                self._rows.append(_Row())
            self._leave(len(self._rows) - 1)
            self._rows, self._row, self._column = [_Row()], 0, 0
            self._show()

    def _take(self, data: bytes) -> None:
        is_at_end = len(self._rows) == 1 and self._column == self._rows[0].width
        if is_at_end and not _redraws(data):
            self._append(data)
        else:
            self._redraw(data.decode("utf-8", "replace"))

    def _append(self, data: bytes) -> None:
        """The usual case: what comes follows what there is. Whole lines are not looked at."""
        head, newline, rest = data.partition(b"\n")
        self._put(head.decode("utf-8", "replace"))
        if not newline:
            return
        self._rows.append(_Row())
        self._leave(1)
        self._row = self._column = 0
        if self._codes:  # the next lines begin in a style
            self._redraw(rest.decode("utf-8", "replace"))
            return
        stop = rest.rfind(b"\n") + 1
        whole = rest[:stop]
        if self._prefix and whole:
            whole = self._prefix + whole[:-1].replace(b"\n", b"\n" + self._prefix) + b"\n"
        self._buffer.commit(whole)
        self._put(rest[stop:].decode("utf-8", "replace"))

    # Redrawing --------------------------------------------------------------------------

    def _redraw(self, text: str) -> None:
        self._put(text)
        self._leave(min(self._row, len(self._rows) - 1 - self._open_above))

    def _put(self, text: str) -> None:
        if "\x1b" not in text and "\n" not in text and "\r" not in text and "\b" not in text:
            self._write(text)
            return
        for match in _TOKEN.finditer(text):
            if match["text"] is not None:
                self._write(match["text"])
            elif match["move"] is not None:
                self._move(match["move"])
            elif match["code"] == "m":
                self._codes = after_code(self._codes, match["count"])
            elif match["code"] is not None:
                self._obey(match["code"], match["count"])
            if len(self._rows) > _MOST_ROWS:
                self._leave(min(self._row, len(self._rows) - 1 - self._open_above))

    def _move(self, code: str) -> None:
        if code == "\b":
            self._column = max(0, self._column - 1)
            return
        self._column = 0
        if code == "\n":
            self._row += 1
            if self._row == len(self._rows):
                self._rows.append(_Row())

    def _obey(self, code: str, parameter: str) -> None:
        number = int(parameter) if parameter.isascii() and parameter.isdigit() else 0
        number, count = min(number, _WIDEST_COLUMN), min(max(1, number), _WIDEST_COLUMN)
        if code in "AF":
            self._go_up(min(count, _MOST_ROWS))
        elif code in "BE":
            self._row = min(self._row + count, len(self._rows) - 1)
        elif code == "C":
            self._column = min(self._column + count, max(self._column, _FARTHEST_COLUMN))
        elif code == "D":
            self._column = max(0, self._column - count)
        elif code == "G":
            self._column = count - 1
        elif code == "K":
            self._erase(number)
        elif code == "J" and number == 0:
            self._erase(0)
            del self._rows[self._row + 1 :]
        if code in "EF":
            self._column = 0

    def _go_up(self, count: int) -> None:
        if count > self._row and not self._prefix:
            missing = count - self._row
            rows = [self._as_row(line) for line in self._buffer.take_back(missing)]
            self._rows[:0] = rows
            self._row += len(rows)
        self._row = max(0, self._row - count)
        self._open_above = max(self._open_above, len(self._rows) - 1 - self._row)

    @staticmethod
    def _as_row(line: bytes) -> _Row:
        """A line that was finished, as it was before: its tabs and sequences count no cells."""
        scratch = Terminal(LineBuffer())
        scratch._put(line.decode("utf-8", "replace"))
        return scratch._rows[0]

    def _erase(self, what: int) -> None:
        """To the end of the row (0), from its start (1), or all of it (2)."""
        row = self._rows[self._row]
        if what == 2 or (what == 0 and self._column == 0):
            self._rows[self._row] = _Row()
        elif what == 0 and self._column < row.width:
            text = _split(row.text, self._column)[0]
            self._rows[self._row] = _Row(text, self._column, _codes_after(text))
        elif what == 1:
            _, right = _split(row.text, self._column)
            blank = " " * min(self._column, row.width)
            self._rows[self._row] = _Row(blank + right, row.width, row.codes)

    def _write(self, text: str) -> None:
        """Text without newlines at the cursor, over what is there."""
        if not text:
            return
        row, column = self._rows[self._row], self._column
        if "\t" in text:
            text = expanded(text, column)
        width = cells(text)
        if column >= row.width:
            self._add(row, " " * (column - row.width), "")
            self._add(row, text, self._codes)
        else:
            left, rest = ("", row.text) if column == 0 else _split(row.text, column)
            right = "" if column + width >= row.width else _split(rest, width)[1]
            old = _Row(left, column, _codes_after(left))
            self._add(old, text, self._codes)
            if right:
                old.text += f"\x1b[0m{right}" if old.codes else right
                old.codes = row.codes
            old.width = max(column + width, row.width if right else 0)
            self._rows[self._row] = old
        self._column = column + width

    @staticmethod
    def _add(row: _Row, text: str, codes: str) -> None:
        """Put text at a row's end, in a style."""
        if not text:
            return
        room = LONGEST_LINE - len(row.text)
        row.width += cells(text)
        if room <= 0 or row.left_out:
            row.left_out += len(text)
            return
        if codes != row.codes:
            row.text += f"\x1b[0m\x1b[{codes.strip(';')}m" if codes else "\x1b[0m"
            row.codes = codes
        row.text += text[:room]
        row.left_out += max(0, len(text) - room)
        if "\x1b" in text:
            row.codes = _codes_after(text, row.codes)

    # To the buffer ----------------------------------------------------------------------

    def _leave(self, number: int) -> None:
        """The first rows are finished."""
        if number > 0:
            self._buffer.commit(b"".join(self._encoded(row) + b"\n" for row in self._rows[:number]))
            del self._rows[:number]
            self._row = max(0, self._row - number)

    def _show(self) -> None:
        rows = self._rows if self._rows[-1].text else self._rows[:-1]
        self._buffer.show_open(self._source, [self._encoded(row) for row in rows])

    def _encoded(self, row: _Row) -> bytes:
        mark = ""
        if row.left_out:
            mark, self._buffer.is_cut = cut_mark(row.left_out), True
        return self._prefix + (row.text + mark).encode("utf-8", "replace")


def _redraws(data: bytes) -> bool:
    """Whether anything but newlines moves the cursor. (A search for bytes is quicker than that of
    an expression.)"""
    if b"\r" in data or b"\b" in data:
        return True
    return b"\x1b" in data and _MOVE.search(data) is not None


def _finished(data: bytes) -> int:
    """Up to where the bytes are whole characters and sequences, and no carriage return is last:
    that may be half of a line's end."""
    if data.endswith(b"\r"):
        return len(data) - 1
    begun = data.rfind(b"\x1b", max(0, len(data) - 4200))
    if begun >= 0 and _UNFINISHED_SEQUENCE.match(data, begun):
        return begun
    character = _UNFINISHED_CHARACTER.search(data, max(0, len(data) - 3))
    return len(data) if character is None else character.start()


def _codes_after(text: str, codes: str = "") -> str:
    """The style codes in force at a text's end."""
    if "\x1b" in text:
        for match in STYLE_CODE.finditer(text):
            codes = after_code(codes, match[1])
    return codes


def _split(text: str, column: int) -> tuple[str, str]:
    """A text with style codes before and from a column; the right part begins with the codes in
    force. A wide character that is cut becomes a blank."""
    place = reached = 0
    while place < len(text) and reached < column:
        code = STYLE_CODE.match(text, place) if text[place] == "\x1b" else None
        if code is not None:
            place = code.end()
        else:
            reached += cells(text[place])
            place += 1
    left, right = text[:place], text[place:]
    if reached > column:
        left, right = left[:-1] + " ", " " + right
    codes = _codes_after(left).strip(";")
    return left, f"\x1b[{codes}m{right}" if codes and right else right
