"""Run lists: `run3,run7-run9,run35.*,run35.2-run35.6,job12`, each perhaps as `ws1/…`.

A pattern never matches more than it says: one without a dot names top-level runs only, one with a
dot names children only, and a job names all runs of the job.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from xt_core.errors import UsageError
from xt_core.model.names import WORKSPACE_NAME, job_number, run_numbers
from xt_core.model.records import Run

_NUMBER = r"0|[1-9][0-9]{0,17}"  # no leading zero, and within 64 bits
_RUN = re.compile(rf"run({_NUMBER})(?:\.([1-9][0-9]{{0,17}}))?")
_JOB = re.compile(rf"job({_NUMBER})")
_RUN_GLOB = re.compile(r"(\*|run[0-9*?]+)(?:\.([0-9*?]+))?")
_JOB_GLOB = re.compile(r"job[0-9*?]+")
_BEGINNING = re.compile(r"(?:[^/\s]+/)?(?:run|job)[0-9*?]")
_EXAMPLE = "run lists look like run3,run7-run9,run35.*,run35.2-run35.6,job12,ws1/run5"


class Span(NamedTuple):
    """The numbers from `low` to `high`, both included."""

    low: int
    high: int

    def holds(self, number: int) -> bool:
        return self.low <= number <= self.high


ANY_NUMBER = Span(0, 2**63 - 1)
TOP_LEVEL = Span(0, 0)
ANY_CHILD = Span(1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class RunPattern:
    """One item of a run list: spans of run, child or job numbers, and at most one wildcard.

    `jobs` is None for a pattern of run names; else it and `glob` are about the run's job.
    """

    text: str
    workspace: str | None = None
    jobs: Span | None = None
    runs: Span = ANY_NUMBER
    children: Span = TOP_LEVEL
    glob: str | None = None

    @property
    def single(self) -> bool:
        """Whether it names exactly one run, so that matching none means an unknown name."""
        return (
            self.jobs is None
            and self.glob is None
            and self.runs.low == self.runs.high
            and self.children.low == self.children.high
        )

    @property
    def single_job(self) -> bool:
        """Whether it names exactly one job."""
        return self.jobs is not None and self.glob is None and self.jobs.low == self.jobs.high

    @property
    def name(self) -> str:
        """The pattern without its workspace; a run's name where `single`, a job's if such."""
        return self.text.rpartition("/")[2]

    def matches(self, run: Run) -> bool:
        """Whether the run is one of those named."""
        if self.workspace is not None and run.workspace != self.workspace:
            return False
        try:
            if self.jobs is not None:
                return self._holds(run.job) and self.jobs.holds(job_number(run.job))
            number, child = run_numbers(run.name)
        except ValueError:
            return False
        return self.runs.holds(number) and self.children.holds(child) and self._holds(run.name)

    def _holds(self, name: str) -> bool:
        return self.glob is None or fnmatchcase(name, self.glob)


def parse_run_list(texts: Sequence[str]) -> list[RunPattern]:
    """The patterns of comma-separated run lists, in order.

    Raises UsageError for an empty list, an empty item or an item that is no run pattern.
    """
    items = [item.strip() for text in texts for item in text.split(",")]
    if not items:
        raise UsageError("the run list is empty", _EXAMPLE)
    return [_parse_item(item, texts) for item in items]


def is_run_list(text: str) -> bool:
    """Whether a text can be meant as a run list only: each of its items names runs or jobs."""
    return all(_BEGINNING.match(item.strip()) for item in text.split(","))


def read_names(lines: Iterable[str]) -> list[str]:
    """The run names in lines of text (standard input, say); blank lines do not count."""
    return [line.strip() for line in lines if line.strip()]


def _parse_item(item: str, texts: Sequence[str]) -> RunPattern:
    if not item:
        raise UsageError(f"an empty name in the run list {','.join(texts)!r}", _EXAMPLE)
    prefix, slash, name = item.rpartition("/")
    if slash and not WORKSPACE_NAME.fullmatch(prefix):
        raise UsageError(f"{prefix!r} in {item!r} is not a workspace name", _EXAMPLE)
    workspace = prefix if slash else None
    if "*" in name or "?" in name:
        return _parse_wildcard(item, workspace, name)
    if "-" in name:
        return _parse_range(item, workspace, name)
    if run := _RUN.fullmatch(name):
        number, child = int(run[1]), int(run[2] or 0)
        return RunPattern(item, workspace, runs=Span(number, number), children=Span(child, child))
    if job := _JOB.fullmatch(name):
        return RunPattern(item, workspace, jobs=Span(int(job[1]), int(job[1])))
    raise _malformed(item)


def _parse_wildcard(item: str, workspace: str | None, name: str) -> RunPattern:
    if _JOB_GLOB.fullmatch(name):
        return RunPattern(item, workspace, jobs=ANY_NUMBER, glob=name)
    match = _RUN_GLOB.fullmatch(name)
    if match is None:
        raise _malformed(item)
    head, tail = match.groups()
    children = TOP_LEVEL if tail is None else ANY_CHILD
    runs = ANY_NUMBER
    if parent := _RUN.fullmatch(head):
        runs = Span(int(parent[1]), int(parent[1]))
    spans_say_it_all = (runs != ANY_NUMBER or head in {"*", "run*"}) and tail in {None, "*"}
    glob = None if spans_say_it_all else name
    return RunPattern(item, workspace, runs=runs, children=children, glob=glob)


def _parse_range(item: str, workspace: str | None, name: str) -> RunPattern:
    first, _, last = name.partition("-")
    if (a := _JOB.fullmatch(first)) and (b := _JOB.fullmatch(last)):
        return RunPattern(item, workspace, jobs=_span(item, int(a[1]), int(b[1])))
    low, high = _RUN.fullmatch(first), _RUN.fullmatch(last)
    if low is None or high is None:
        raise _malformed(item, "both ends of a range are whole names, as in run7-run9")
    if low[2] is None and high[2] is None:
        return RunPattern(item, workspace, runs=_span(item, int(low[1]), int(high[1])))
    if low[2] is None or high[2] is None or low[1] != high[1]:
        raise _malformed(item, "a range of children stays within one parent: run35.2-run35.6")
    return RunPattern(
        item,
        workspace,
        runs=Span(int(low[1]), int(low[1])),
        children=_span(item, int(low[2]), int(high[2])),
    )


def _span(item: str, low: int, high: int) -> Span:
    if low > high:
        raise UsageError(f"the range {item!r} runs backwards", "write the lower number first")
    return Span(low, high)


def _malformed(item: str, hint: str = _EXAMPLE) -> UsageError:
    return UsageError(f"{item!r} is not a run, range, wildcard or job", hint)
