"""Searching a console: what matches, and that an index follows its buffer."""

import pytest

from xt_core.errors import UsageError
from xt_tui.console import matching
from xt_tui.console.index import LineIndex
from xt_tui.console.lines import LineBuffer
from xt_tui.console.matching import ErrorMatcher, PatternMatcher, TextMatcher, matcher_of
from xt_tui.console.terminal import Terminal

LOG = """starting
Traceback (most recent call last):
  File "train.py", line 3, in main
    loss.backward()
RuntimeError: CUDA out of memory
[12:00] ERROR worker 3 is gone
loss error is small
ValueError: no
run1.2 │ Traceback (most recent call last):
run1.2 │   File "x.py", line 1
run1.2 │ KeyError: 'lr'
last
"""


def followed(index: LineIndex) -> list[int]:
    while index.is_behind:
        index.advance()
    return list(index.matches)


def test_a_text_without_capitals_matches_any_case() -> None:
    assert TextMatcher("error").lines_in(LOG) == [4, 5, 6, 7, 10]
    assert TextMatcher("ERROR").lines_in(LOG) == [5]
    assert TextMatcher("loss").spans("Loss, loss") == [(0, 4), (6, 10)]
    assert TextMatcher("a.c").lines_in("abc\na.c\n") == [1]


def test_a_pattern_is_matched_line_by_line() -> None:
    assert PatternMatcher(r"^loss|\d\]").lines_in(LOG) == [5, 6]
    assert PatternMatcher(r"^\s*$").lines_in("\na\n\n") == [0, 2]
    assert PatternMatcher(r"Loss\b").lines_in("loss\nLoss\n") == [1]
    assert PatternMatcher(r"\Sx").lines_in("ax\nAX\n") == [0, 1]  # \S is no capital
    with pytest.raises(UsageError, match=r"no regular expression: .*unterminated"):
        matcher_of("(a", is_pattern=True)


def test_a_pattern_that_takes_for_ever_ends_its_index_and_is_not_marked_in_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matching, "_PIECE_SECONDS", 0.05)
    buffer = LineBuffer(chunk=64)
    buffer.commit(b"xy\n" * 100 + b"x" * 5_000 + b"\nxy\n")
    index = LineIndex(PatternMatcher("(x+x+)+y|xy"), buffer)
    found = followed(index)
    assert 0 < len(found) <= 100
    assert found == list(range(len(found))), "what was found before stays"
    assert (index.is_too_slow, index.is_behind, index.is_far_behind) == (True, False, False)
    assert index.has_seen(0, buffer.end), "nobody waits for the rest"
    matcher = PatternMatcher("(x+x+)+y|xy")
    assert (matcher.spans("axy"), matcher.matches("axy")) == ([(1, 3)], True)
    for _ in range(2):
        assert (matcher.spans("x" * 5_000), matcher.matches("x" * 5_000)) == ([], False)
    assert matcher.spans("axy") == [], "it is not tried for ever"


def test_a_traceback_is_one_landmark() -> None:
    assert ErrorMatcher().lines_in(LOG) == [1, 5, 7, 8]
    assert ErrorMatcher().lines_in("epoch 1\nerror rate 0.1\n") == []


def test_an_index_follows_both_ends() -> None:
    buffer = LineBuffer(chunk=64)
    buffer.commit(b"".join(b"line %d\n" % n for n in range(100, 200)))
    index = LineIndex(TextMatcher("5"), buffer)
    assert followed(index) == [n - 100 for n in range(100, 200) if "5" in str(n)]
    buffer.prepend(b"".join(b"line %d\n" % n for n in range(100)))
    buffer.commit(b"line 250\nline 300\n")
    expected = [n - 100 for n in range(200) if "5" in str(n)] + [100]
    assert followed(index) == expected
    assert index.place_of(100) == len(expected)
    assert (index.next(100, 1), index.next(-100, -1)) == (expected[0], 100)
    assert (index.next(0, 1), index.next(5, -1)) == (5, -1 - 4)


def test_styles_are_not_searched() -> None:
    buffer = LineBuffer()
    buffer.commit(b"\x1b[31mre\x1b[1md\x1b[0m 31m\nblue\n")
    assert followed(LineIndex(TextMatcher("red 31m"), buffer)) == [0]
    assert followed(LineIndex(TextMatcher("[31m"), buffer)) == []


def test_context_is_shown_around_what_matches_and_comes_later() -> None:
    buffer = LineBuffer(chunk=32)
    index = LineIndex(TextMatcher("hit"), buffer, context=2)
    buffer.commit(b"0\n1\n2\nhit\nhit\n")
    assert followed(index) == [3, 4]
    assert list(index.shown) == [1, 2, 3, 4]
    buffer.commit(b"5\n6\n7\n8\n9\nhit\n")
    assert followed(index) == [3, 4, 10]
    assert list(index.shown) == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    buffer.prepend(b"hit\nx\n")
    assert followed(index) == [-2, 3, 4, 10]
    assert list(index.shown) == [-2, -1, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10]


def test_lines_that_are_redrawn_later_are_looked_at_again() -> None:
    buffer = LineBuffer()
    terminal = Terminal(buffer)
    terminal.feed(b"one\nbar 1\nbar 2\n")
    index = LineIndex(TextMatcher("bar"), buffer)
    assert followed(index) == [1, 2]
    terminal.feed(b"\x1b[2Adone\x1b[K\n")
    terminal.finish()
    assert followed(index) == [2]
