"""Regular expressions of users: as Python has them, and none holds the program up."""

import itertools
import re
import threading
import warnings

import pytest

from xt_core.query.regexes import Regex, TooSlowError, regex_of

ENDLESS = "(x+x+)+y"
XS = "x" * 5_000
ATOMS = (
    "a", ".", r"\d", r"[^b\]]", "[]a]", "[^]a]", "[[:alpha:]]", "[a[b]", "[a--b]", "{", "a{e}",
    "a{d<=1}", "a{,}b", "a{,2}", "a{2}", "a{1,}", "{2", "a{ 2 }", r"\{", r"\N{DIGIT ONE}", "(?#{)a",
    "(?:ab|b){i}", "(?i:A)", "b*?", "(?P<n>a)(?P=n)", r"\bab\b", "^", "$", "a++", "(?>a+)b",
    "(?<=a)b", "(?!a)b", "[a&&b]", "[a||b]", "[~~a]", r"\x61", r"\s", r"\W+", r"[^a]*b", r"\D$",
    r"[\s,]", "a*", r"\S+", r"(?<!\s)b", "(?=b)", r"\Ab", r"a\Z", r"a\B", "(?s:.)b", r"[\x00-z]b",
    r"\012", "(?m)", "[^^]", r"\n", r"(a)\1", "[\n]",
)  # fmt: skip
TEXTS = (
    "", "a", "ab", "aab b", "xyz", "{", "a{e}", "a{d<=1}", "{2", "a{ 2 }", "1", "]", "[", "b{i}",
    "-", ":", "&", "|", "~", "a{,}b", "aaaab", "Ab",
)  # fmt: skip


@pytest.mark.parametrize("ignores_case", [False, True])
def test_a_pattern_means_what_it_means_to_python(ignores_case: bool) -> None:
    flags = re.IGNORECASE if ignores_case else 0
    for parts in itertools.chain(
        itertools.product(ATOMS, repeat=1), itertools.product(ATOMS, ATOMS)
    ):
        text = "".join(parts)
        try:
            with warnings.catch_warnings(category=FutureWarning, action="ignore"):
                expected = re.compile(text, flags)
        except re.error:
            continue  # a name twice
        regex = Regex(text, ignores_case=ignores_case)
        for line in TEXTS:
            assert regex.is_in(line, 60) == bool(expected.search(line)), (text, line)
            spans = [match.span() for match in expected.finditer(line) if match.group()]
            assert regex.spans(line, 60) == spans, (text, line)
        found = [number for number, line in enumerate(TEXTS) if expected.search(line)]
        assert regex.lines_in("\n".join(TEXTS), 60) == found, text
        assert regex.lines_in("\n".join([*TEXTS, ""]), 60) == found, text


def test_lines_are_told_apart() -> None:
    text = "\nab\n\nb a\nab\n"
    for pattern, lines in (
        (r"a\s*b", [1, 4]), (r"b\s?a", [3]), ("^$", [0, 2]), ("", [0, 1, 2, 3, 4]), ("b$", [1, 4]),
        (r"\Aa", [1, 4]), ("[^b]$", [3]), (r"(?s)b.", [3]), (r"\W", [3]), ("x", []),
        ("(?<=b )a", [3]),
    ):  # fmt: skip
        assert Regex(pattern).lines_in(text, 60) == lines, pattern


@pytest.mark.parametrize("wrong", ["(", r"\p{L}", "(?R)", "a{3,2}", r"\K", "(?|a)", "*", "(?e)a"])
def test_what_is_no_pattern_of_python_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"position|\("):
        regex_of(wrong)


def test_what_takes_for_ever_is_given_up() -> None:
    with pytest.raises(TooSlowError, match=re.escape(f"{ENDLESS} takes too long")):
        Regex(ENDLESS).is_in(XS, 0.05)
    with pytest.raises(TooSlowError):
        Regex(ENDLESS).spans(XS, 0.05)
    with pytest.raises(TooSlowError):
        Regex(ENDLESS).lines_in(f"y\n{XS}\ny\n", 0.05)
    with pytest.raises(TooSlowError):
        Regex(rf"\A{ENDLESS}").lines_in(f"y\n{XS}\ny\n", 0.05)


def test_other_threads_work_meanwhile() -> None:
    begun, ended, worked = threading.Event(), threading.Event(), threading.Event()

    def match() -> None:
        begun.set()
        with pytest.raises(TooSlowError):
            Regex(ENDLESS).is_in(XS, 0.6)
        assert worked.is_set(), "the other thread has had its turn"
        ended.set()

    thread = threading.Thread(target=match)
    thread.start()
    assert begun.wait(60)
    for _ in range(10):
        threading.Event().wait(0.001)
    worked.set()
    thread.join()
    assert ended.is_set()
