"""A console's bytes become the lines that a terminal would show, as many as there are."""

import itertools
import random

import pytest

from xt_tui.console.ansi import in_series_color, plain, series_of, styled
from xt_tui.console.lines import LineBuffer
from xt_tui.console.terminal import Terminal


def shown(*parts: bytes, prefix: str = "") -> list[str]:
    """The lines of these bytes, without styles."""
    buffer = LineBuffer()
    terminal = Terminal(buffer, prefix=prefix)
    for part in parts:
        terminal.feed(part)
    return texts(buffer)


def texts(buffer: LineBuffer) -> list[str]:
    return [plain(line.decode("utf-8", "replace")) for line in buffer.lines(buffer.first, 1 << 40)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\ntwo\r\nthree", ["one", "two", "three"]),
        (b"\n\nx\n", ["", "", "x"]),
        (b" 10%|#   |\r 20%|##  |\r 30%|### |\n", [" 30%|### |"]),
        (b"0123456789\rabc\n", ["abc3456789"]),  # a shorter redraw leaves the rest
        (b"0123456789\rabc\x1b[K\n", ["abc"]),
        (b"0123456789\r\x1b[2Kabc\n", ["abc"]),
        (b"abc\b\bX\n", ["aXc"]),
        (b"ab\x1b[10Gz\n", ["ab       z"]),
        ("日本\rx\n".encode(), ["x 本"]),  # half of a wide character is a blank
        (b"50%\r", ["50%"]),
        (b"outer 0%\ninner 0%\x1b[A\router 9%\n\rinner 7%\n", ["outer 9%", "inner 7%"]),
        (b"a\nb\n\x1b[2A\x1b[JX\n", ["X"]),
        (b"a\tb\n\xff\xfe\n", ["a       b", "��"]),
        (b"\x00\x01\x07bell \x7f\n", ["␀␁bell ␡"]),
        (b"\x1b]0;title\x07t\x1b[?25l\x1b(Bu\x1b[2J\n", ["tu"]),
        (b"\x1b]0;no end\nnext\n", ["", "next"]),
        ("\u202eleft\x9b31m\n".encode(), [r"\u202eleft\x9b31m"]),
    ],
)
def test_lines_are_as_a_terminal_shows_them(data: bytes, lines: list[str]) -> None:
    assert shown(data) == lines
    assert shown(*(data[i : i + 1] for i in range(len(data)))) == lines, "byte by byte"


def test_colours_of_a_partly_overwritten_line_stay_with_their_text() -> None:
    buffer = LineBuffer()
    Terminal(buffer).feed(b"\x1b[31mredred\x1b[0m\rAB\x1b[32mCD\x1b[0m\n")
    (line,) = buffer.lines(0, 1)
    assert styled(line.decode()) == [("AB", ""), ("CD", ";32"), ("ed", ";31")]


def test_a_bar_of_many_redraws_is_one_short_line() -> None:
    buffer = LineBuffer()
    terminal = Terminal(buffer)
    for number in range(2_000):
        terminal.feed(b"\r%4d/2000 [##########]" % number)
    assert texts(buffer) == ["1999/2000 [##########]"]
    terminal.finish()
    assert (buffer.first, buffer.end) == (0, 1)


def test_bars_of_several_lines_stay_below_what_is_printed() -> None:
    stream = b"start\n" + b"".join(
        b"\router %d\n\rinner %d\x1b[A" % (step, step * 2) for step in range(50)
    )
    assert shown(stream, b"\n\n", b"end\n") == ["start", "outer 49", "inner 98", "end"]


def test_a_line_without_end_is_cut_with_a_mark() -> None:
    lines = shown(*[b"x" * 10_000] * 5, b"\nnext\n")
    assert [line[16_380:] for line in lines] == ["xxxx … 33,616 more", ""]
    assert lines[1] == "next"


def test_a_cursor_that_goes_right_for_ever_makes_no_endless_line() -> None:
    (line,) = shown(b"\x1b[1000C" * 200_000 + b"x\n")
    assert line.startswith(" " * 16_384)
    assert len(line) < 17_000


def test_lines_of_several_sources_come_with_their_names() -> None:
    buffer = LineBuffer()
    first, second = Terminal(buffer, 0, "r1 │ "), Terminal(buffer, 1, "r2 │ ")
    first.feed(b"a\nb\nun")
    second.feed(b"x\r\nbas\br")
    first.feed(b"done\n")
    assert texts(buffer) == ["r1 │ a", "r1 │ b", "r2 │ x", "r1 │ undone", "r2 │ bar"]


def test_earlier_lines_come_first_and_the_others_keep_their_numbers() -> None:
    buffer = LineBuffer(chunk=50)
    buffer.commit(b"".join(b"line %d\n" % n for n in range(100, 200)))
    assert buffer.lines(3, 5) == [b"line 103", b"line 104"]
    assert buffer.prepend(b"".join(b"line %d\n" % n for n in range(60, 100))) == 40
    assert buffer.prepend(b"".join(b"line %d\n" % n for n in range(60))) == 60
    assert (buffer.first, buffer.end) == (-100, 100)
    assert buffer.lines(3, 5) == [b"line 103", b"line 104"]
    assert buffer.lines(-100, 100) == [b"line %d" % n for n in range(200)]
    assert buffer.lines(-41, -39) == [b"line 59", b"line 60"]


def test_what_does_not_fit_in_memory_is_read_again() -> None:
    buffer = LineBuffer(memory=2_000, chunk=200)
    expected = [b"line %d %s" % (n, b"x" * (n % 70)) for n in range(2_000)]
    for line in expected[1_000:]:
        buffer.commit(line + b"\n")
    buffer.prepend(b"".join(line + b"\n" for line in expected[:1_000]))
    assert buffer._held <= 2_000
    for _ in range(50):
        start = random.Random(0).randrange(2_000)
        assert buffer.lines(start - 1_000, start - 990) == expected[start : start + 10]
    assert buffer.lines(-1_000, 1_000) == expected


def test_any_cut_of_a_stream_gives_the_same_lines() -> None:
    source = random.Random(1)
    tokens = (b"text", "é日".encode(), b"\n", b"\r", b"\r\n", b"\x1b[31m", b"\x1b[0m", b"\x1b[K",
              b"\x1b[A", b"\x1b[2K", b"\b", b"\t", b"\xff", b"\x1b]0;t\x07", b"123456")  # fmt: skip
    for _ in range(300):
        data = b"".join(source.choice(tokens) for _ in range(40))
        cuts = sorted({0, len(data), *(source.randrange(len(data)) for _ in range(6))})
        parts = [data[a:b] for a, b in itertools.pairwise(cuts)]
        assert shown(*parts) == shown(data), data


def test_the_colour_of_a_run_is_kept_as_its_number() -> None:
    text = f"{in_series_color('run1.3', 12)} │ \x1b[32mdone"
    runs = [(shown, series_of(codes)) for shown, codes in styled(text)]
    assert runs == [("run1.3", 12), (" │ ", None), ("done", None)]
    assert plain(text) == "run1.3 │ done"
    assert [series_of(codes) for codes in ("38;9;", "38;9;3;1", "1;38;9;3", "38;5;3")] == [None] * 4
