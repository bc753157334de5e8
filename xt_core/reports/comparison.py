"""Runs side by side: what differs between them, and by how much.

Rows are what is known of the runs, in groups; each has a value a run. A value that a run lacks
differs from any that another one has.
"""

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from xt_core import clock
from xt_core.errors import XTError
from xt_core.model.aggregates import add_records, aggregate_value
from xt_core.model.encoding import plain
from xt_core.model.records import Job, MetricRecord, Run, Value
from xt_core.query.fields import Kind
from xt_core.query.formats import format_value
from xt_core.query.registry import RUN_FIELDS
from xt_core.query.table import printable
from xt_core.reports.judging import judged_job
from xt_core.search.trials import finite_number
from xt_core.search.values import render_value
from xt_core.session import Session
from xt_core.submit.again import read_mrc

RUN, CODE, HPARAMS, LAST, BEST, TAGS = "run", "code", "hparams", "last", "best", "tags"
TITLES = {
    RUN: "run",
    CODE: "code and environment",
    HPARAMS: "hyperparameters",
    LAST: "metrics, last",
    BEST: "metrics, best",
    TAGS: "tags",
}
_FIELDS = (
    "status",
    "exit_code",
    "error",
    "job",
    "experiment",
    "node",
    "target",
    "username",
    "restarts",
    "duration",
    "description",
    "notes",
    "command",
)
_DIGEST_CHARACTERS = 12


@dataclass(frozen=True)
class Row:
    """One thing that is known of the runs; `values` has one a run, None where there is none."""

    group: str
    name: str
    values: Sequence[Value]
    kind: Kind = Kind.ANY
    maximize: bool | None = None
    """Of a metric: whether more of it is better; None where that is not known."""
    is_implied: bool = False
    """Whether other rows say all that this one does."""
    beginning: str = ""
    """What all texts begin with, left out of sight: the end of a command is what differs."""

    @property
    def differs(self) -> bool:
        """Whether not all values are the same."""
        return any(_key(value) != _key(self.values[0]) for value in self.values[1:])

    @property
    def title(self) -> str:
        """The name, and of a metric which way is better."""
        goals = {True: " (max)", False: " (min)", None: ""}
        return printable(self.name) + goals[self.maximize]

    def text(self, place: int) -> str:
        """A run's value."""
        text = format_value(self.values[place], self.kind).partition("\n")[0]
        if self.beginning and text.startswith(self.beginning):
            text = f"… {text.removeprefix(self.beginning)}"
        return printable(text)

    def delta(self, place: int, baseline: int) -> float | None:
        """By how much a run's value is more than that of the baseline, where both are numbers."""
        value, base = finite_number(self.values[place]), finite_number(self.values[baseline])
        if place == baseline or value is None or base is None:
            return None
        return finite_number(value - base)

    def delta_text(self, place: int, baseline: int) -> str:
        """The delta as `▲0.02` or `▼3m12s`; empty where there is none."""
        delta = self.delta(place, baseline)
        whole = all(isinstance(self.values[each], int) for each in (place, baseline))
        size = abs(delta or 0.0)
        text = format_value(round(size) if whole else size, self.kind)
        if not delta or text == format_value(0.0, self.kind):
            return ""
        return ("▲" if delta > 0 else "▼") + text

    def is_better(self, place: int, baseline: int) -> bool | None:
        """Whether a run's value is better than that of the baseline; None where nobody can tell."""
        delta = self.delta(place, baseline)
        return None if not delta or self.maximize is None else (delta > 0) is self.maximize


@dataclass(frozen=True)
class Comparison:
    """The runs, and what is known of them."""

    runs: Sequence[Run]
    rows: Sequence[Row]

    def chosen(self, *, every: bool, words: str = "") -> list[Row]:
        """The rows that differ and say what no others do, or every one; of these, those with all
        words in the name."""
        wanted = words.lower().split()
        return [
            row
            for row in self.rows
            if (every or (row.differs and not row.is_implied) or len(self.runs) < 2)
            and all(word in f"{row.group} {row.name}".lower() for word in wanted)
        ]

    def document(self, rows: Sequence[Row], baseline: int) -> dict[str, Any]:
        """As JSON."""
        return {
            "baseline": self.runs[baseline].name,
            "runs": [run.name for run in self.runs],
            "rows": [
                {
                    "group": row.group,
                    "name": row.name,
                    "values": [plain(value) for value in row.values],
                    "differs": row.differs,
                    "maximize": row.maximize,
                }
                for row in rows
            ],
        }


@dataclass
class _JobFacts:
    """What runs of one job have in common."""

    code: str | None = None
    setup: str | None = None
    environment: str | None = None
    goals: dict[str, bool] = field(default_factory=dict)


def compare(session: Session, runs: Sequence[Run]) -> Comparison:
    """Put runs side by side. Raises UnknownNameError or UnavailableError where the stats store
    does."""
    store, now = session.store, clock.now()
    found = store.jobs(sorted({run.job for run in runs}))
    jobs = {job.name: judged_job(store, job) for job in found}
    facts = {name: _facts_of(session, job) for name, job in jobs.items()}
    of_run = [facts.get(run.job, _JobFacts()) for run in runs]
    goals = _goals(of_run)
    rows = [
        *(_field_row(name, runs, now) for name in _FIELDS),
        Row(CODE, "code", [each.code for each in of_run]),
        Row(CODE, "setup", [each.setup for each in of_run]),
        Row(CODE, "environment", [each.environment for each in of_run]),
        *_family(HPARAMS, [run.hparams for run in runs]),
        *_family(LAST, [run.metrics for run in runs], goals),
        *_family(BEST, [_bests(run, goals, store.metrics) for run in runs], goals),
        *_family(TAGS, [run.tags for run in runs]),
    ]
    return Comparison(runs, [row for row in rows if any(v is not None for v in row.values)])


def _facts_of(session: Session, job: Job) -> _JobFacts:
    """What the job's MRC tells, as far as it is there."""
    goals = {objective.metric: objective.maximize for objective in job.objectives}
    if job.primary_metric:
        goals.setdefault(job.primary_metric, job.maximize)
    try:
        contexts = list(read_mrc(session, job).nodes.values())
    except XTError:
        return _JobFacts(goals=goals)
    context = contexts[0]
    environment = context.environment
    return _JobFacts(
        context.code_digest[:_DIGEST_CHARACTERS] or None,
        None if environment is None else environment.setup,
        None if environment is None else environment.digest("")[:_DIGEST_CHARACTERS],
        goals,
    )


def _goals(of_run: Sequence[_JobFacts]) -> dict[str, bool]:
    """Which way each metric is better, where the jobs do not contradict each other."""
    ways: dict[str, set[bool]] = {}
    for facts in of_run:
        for metric, maximize in facts.goals.items():
            ways.setdefault(metric, set()).add(maximize)
    return {metric: found.pop() for metric, found in ways.items() if len(found) == 1}


def _field_row(name: str, runs: Sequence[Run], now: float) -> Row:
    known = RUN_FIELDS.find(name)
    values = [known.get(run, now) for run in runs]
    if name != "command":
        return Row(RUN, name, values, known.kind)
    is_implied = len({_without_hparams(run) for run in runs}) == 1
    return Row(
        RUN, name, values, known.kind, is_implied=is_implied, beginning=_common_words(values)
    )


def _without_hparams(run: Run) -> tuple[str, ...]:
    """The words of a run's command, without the values that its hyperparameters have: as in
    ``--lr=0.1``, or in ``--lr 0.1``."""
    words, before = list[str](), ""
    for word in run.command.split(" "):
        name, equals, value = word.partition("=")
        if equals and _is_value(run.hparams.get(name.lstrip("-")), value):
            word = name
        elif before.startswith("-") and _is_value(run.hparams.get(before.lstrip("-")), word):
            word = ""
        words.append(word)
        before = word
    return tuple(words)


def _is_value(value: Value, text: str) -> bool:
    """Whether a word of a command says a value."""
    if value is None:
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(ValueError):
            return float(text) == value
    return text.strip("'\"") in (str(value), render_value(value))


def _common_words(values: Sequence[Value]) -> str:
    """The words that several texts all begin with, and the blank after them."""
    lines = [str(value or "").split(" ") for value in values]
    places = zip(*lines, strict=False)
    common = [words[0] for words in takewhile(lambda words: len(set(words)) == 1, places)]
    return "".join(f"{word} " for word in common) if len(lines) > 1 else ""


def _family(
    group: str,
    mappings: Sequence[Mapping[str, Value]],
    goals: Mapping[str, bool] | None = None,
) -> list[Row]:
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    return [
        Row(
            group,
            name,
            [mapping.get(name) for mapping in mappings],
            maximize=(goals or {}).get(name),
        )
        for name in names
    ]


def _bests(
    run: Run, goals: Mapping[str, bool], read: Callable[[str, str], Iterable[MetricRecord]]
) -> dict[str, Value]:
    """The best value that a run ever had of each metric of which it is known what is better. Where
    its aggregates do not tell, as of a run that an older XT recorded, all that it logged is read.
    """
    wanted = [name for name in run.metrics if name in goals]
    known = dict(run.aggregates.items())
    if any(name not in known for name in wanted):
        known = add_records({}, read(run.workspace, run.name))
    bests = ((name, aggregate_value(known, goals, name, "best")) for name in wanted)
    return {name: best for name, best in bests if best is not None}


def _key(value: Value) -> object:
    """What makes two values the same: 1 and 1.0 are, true and 1 are not, NaN is like NaN."""
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return value
