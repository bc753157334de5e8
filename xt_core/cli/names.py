"""Run lists on the command line: from what was typed to runs that exist."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from xt_core.cli.freshness import refresh
from xt_core.errors import UnknownNameError, UsageError
from xt_core.model.records import Job, Run
from xt_core.query.names import RunPattern, is_run_list, parse_run_list, read_names
from xt_core.session import Session
from xt_core.stats.store import RunQuery


def run_patterns(texts: Sequence[str]) -> list[RunPattern]:
    """The patterns typed; ``-`` stands for names on standard input, one a line."""
    names: list[str] = []
    for text in texts:
        names += read_names(sys.stdin) if text == "-" else [text]
    return parse_run_list(names) if names else []


def located(patterns: Sequence[RunPattern], workspace: str) -> list[RunPattern]:
    """The patterns, each with a workspace: `run3,ws2/run5` never means run3 of all workspaces."""
    return [replace(pattern, workspace=pattern.workspace or workspace) for pattern in patterns]


def split_names(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """(run lists, the other words): the first word is a run list, and those after it that can be
    nothing else, as in `run1 run2 loss`."""
    others = (place for place, word in enumerate(words) if place and not is_run_list(word))
    end = next(others, len(words))
    return list(words[:end]), list(words[end:])


def chosen_runs(
    session: Session, texts: Sequence[str], *, parents: bool | None, as_named: bool = False
) -> list[Run]:
    """The runs that a run list names, in its workspace; with `as_named` in the order that it names
    them. Raises UnknownNameError for a name of which there is none."""
    patterns = run_patterns(texts)
    if not patterns:
        raise UsageError("no run is named", "as in run3, run7-run9, run35.* or job12")
    patterns = located(patterns, session.workspace)
    refresh(session)
    runs, _ = session.store.find_runs(RunQuery(patterns=patterns, parents=None))
    for pattern in patterns:
        if not any(pattern.matches(run) for run in runs):
            raise _nothing_matches(session, pattern)
    if as_named:
        runs = sorted(runs, key=lambda run: [each.matches(run) for each in patterns].index(True))
    if parents is None:
        return runs
    named = {pattern.name for pattern in patterns if pattern.single}
    return [run for run in runs if run.is_parent is parents or run.name in named]


def named_records(session: Session, names: Sequence[str]) -> tuple[list[Run], list[Job]]:
    """The runs and the jobs that a list names: `job12` in it is the job. Raises UnknownNameError
    for a name of which there is none."""
    from xt_core.reports.jobs import named_jobs

    patterns = run_patterns(names)
    of_jobs = [pattern for pattern in patterns if pattern.jobs is not None]
    run_texts = [pattern.text for pattern in patterns if pattern.jobs is None]
    jobs = named_jobs(session.store, of_jobs) if of_jobs else []
    runs = chosen_runs(session, run_texts, parents=None) if run_texts else []
    return runs, jobs


def one_run(session: Session, text: str, *, or_here: bool = False) -> Run:
    """The one run of that name; with `or_here`, as a node of this machine has it while the team's
    stats store is out of reach. Raises UnknownNameError, or UsageError for a list."""
    patterns = parse_run_list([text])
    if len(patterns) != 1 or not patterns[0].single:
        raise UsageError(f"{text} may be many runs", "name one, such as run3 or run35.2")
    pattern = patterns[0]
    where = pattern.workspace or session.workspace
    refresh(session)
    return (session.run if or_here else session.store.run)(where, pattern.name)


def _nothing_matches(session: Session, pattern: RunPattern) -> UnknownNameError:
    where = pattern.workspace or session.workspace
    if pattern.single_job:
        return UnknownNameError(
            f"no job named {pattern.name} has runs in workspace {where}", "see xt list jobs"
        )
    if pattern.single:
        return UnknownNameError(
            f"no run named {pattern.name} in workspace {where}", "see xt list runs --all"
        )
    return UnknownNameError(f"no run in workspace {where} matches {pattern.text}", "xt list runs")
