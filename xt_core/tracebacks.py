"""Where in a run's output errors are told: tracebacks, each as one, and single lines.

Known are the tracebacks of Python, also where a launcher of several processes puts a name before
each line (``[rank0]: ``), what shells say of processes that a signal has ended, the last words of
C and C++ programs, failures of pytest, and lines of logs at the level of an error.
"""

import re
from collections.abc import Iterator

_SIGNS = (
    "Traceback (", "Error: ", "Exception: ", "ERROR", "CRITICAL", "FATAL", "error: ", "fatal: ",
    "out of memory", "Out of memory", "Segmentation fault", "core dumped", "panicked at", "panic: ",
    "Fatal Python error", "Killed", "Aborted", "Bus error", "terminate called", "Assertion ",
    "invalid pointer", "corrupt", "smashing detected", "\nE   ", "FAILED ", "No module named",
    "can't open file", "command not found",
)  # fmt: skip
"""What is in every text that tells of an error: sought much more quickly than the expression."""
_NAME = (
    r"\S{1,80} +│ |[ \t│|]{1,80}"
    r"|\[?[\w./-]{1,40}(?:,[\w-]{1,40})?\]?(?:<\w{1,20}>)?: ?|\([^()\n]{1,60}\) "
)
"""What stands before each line of one of several processes, or of a traceback in another."""
_SIGNALLED = r"(?:Killed|Aborted|Segmentation fault|Bus error|Floating point exception)"
_WORDS = (
    r"\b(?:ERROR|CRITICAL|FATAL)\b|[Oo]ut of memory|core dumped|panicked at|Fatal Python error"
    r"|smashing detected|(?:free|malloc|realloc|munmap_chunk)\(\): |double free or corruption"
    r"|Assertion .{0,200}?failed|: command not found$|(?:^|(?<=[\s\]]))(?:error|fatal): "
    rf"|: line \d+: +\d+ {_SIGNALLED}\b"
)
"""Wherever they are among the first characters of a line: a line may have a million."""
_SAME = r"(?(name)(?P=name))"
_ERROR = re.compile(
    rf"^(?P<name>{_NAME})??(?:"
    r"(?P<trace>(?:\+ Exception Group )?Traceback \(most recent call last\).*"
    rf"(?:\n(?:{_SAME}[ \t|].*|(?:{_SAME})?(?=\n)))*"  # its frames, then what names the error
    rf"(?:\n{_SAME}(?P<says>[\w.]+(?::.*|$)))?)"
    rf"|(?P<test>E {{3,}}\S.*(?:\n{_SAME}E(?: .*|$))*)"
    rf"|terminate called.*(?:\n{_SAME} *what\(\): .*)?"
    r"|[\w.]{0,200}(?:Error|Exception): .*"
    rf"|FAILED \S.*|panic: .*|{_SIGNALLED}(?: \(core dumped\))?[ \t]*$"
    r"|\S{0,200}?python[\d.]*: (?:can't open file|No module named).*"
    rf"|.{{0,300}}?(?:{_WORDS}).*)",
    re.MULTILINE,
)


def error_lines(text: str) -> list[int]:
    """The places, among the lines of a text, where an error begins."""
    found, number, place = list[int](), 0, 0
    for match in _errors(text):
        number += text.count("\n", place, match.start())
        place = match.start()
        found.append(number)
    return found


def error_span(line: str) -> tuple[int, int] | None:
    """Which part of a line begins an error: (start, stop)."""
    match = _ERROR.match(line)
    return None if match is None else match.span()


def first_error(text: str) -> str:
    """In one line: what the first traceback of a text says; without one, the first line that tells
    of an error; "" if none does."""
    first = unfinished = ""
    for match in _errors(text):
        if match["says"]:
            return match["says"]
        if match["trace"]:
            unfinished = unfinished or _said(match)
        else:
            first = first or _said(match)
    return first or unfinished


def _errors(text: str) -> Iterator[re.Match[str]]:
    return _ERROR.finditer(text) if any(sign in text for sign in _SIGNS) else iter(())


def _said(match: re.Match[str]) -> str:
    """An error without what stands before its lines."""
    lines = match[0].removeprefix(match["name"] or "").splitlines()
    if match["test"]:
        return lines[0].removeprefix("E").strip()
    if match["trace"]:
        return lines[-1].strip(" \t|")
    return " ".join(line.strip() for line in lines)
