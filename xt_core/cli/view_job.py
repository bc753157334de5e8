"""`xt view job`: a job, its progress, and what its search found."""

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from xt_core import clock
from xt_core.cli.freshness import refresh
from xt_core.cli.parser import Parser, count
from xt_core.cli.talk import emit_json, stdout_glyphs
from xt_core.errors import UsageError
from xt_core.model.encoding import plain
from xt_core.model.names import JOB_NAME
from xt_core.model.records import Job, Run
from xt_core.reports.documents import job_document, run_document
from xt_core.session import Session

if TYPE_CHECKING:
    from xt_core.reports.search import Outcome

_TOP = 10
_JSON = """
--json adds to the keys of xt list jobs:
  parents      [{"name", "node", "status", "exit_code", "error", "signal", "first_error"}]: one a
               node, which runs the parent script and then starts the runs; none of a single run
  early_stopping
               the policy, as --early-stopping takes it; null if there is none
  reruns       the names of the jobs that were made from it or from its runs
  best_runs    the documents of xt list runs, the best first, each with its "set" as it was given
  best_so_far  {"run", "run_index", "value", "best"}: lists, of completed runs in order
  pareto       [{"run", "run_index", "stopped_early", "values", "set"}], of several objectives
  importance   {parameter: share}, the largest first; null with too few runs; with --importance
  slices       {parameter: {"value", "objective"}}: a list each; with --slices
"""


def add_job_options(parser: Parser) -> None:
    """The arguments of `xt view job`."""
    parser.add_argument("name", metavar="JOB", help="such as job12")
    parser.add_argument(
        "--top", type=_top, default=_TOP, metavar="N|all", help=f"sets; default: {_TOP}"
    )
    parser.add_argument(
        "--importance", action="store_true", help="how much each parameter decides (PED-ANOVA)"
    )
    parser.add_argument("--slices", action="store_true", help="a chart a parameter")
    parser.add_argument("--ascii", action="store_true", help="plain characters only")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    parser.epilog = f"{_JSON.strip()}\n\n{parser.epilog}"


def _top(text: str) -> int | None:
    """How many of the best, for argparse; None for all."""
    return None if text == "all" else count(text)


def view_job(session: Session, options: argparse.Namespace) -> None:
    """Print a job as a page or a document. Raises UsageError, UnknownNameError."""
    if not JOB_NAME.fullmatch(options.name):
        raise UsageError(f"{options.name!r} is no job name", "as in job12")
    refresh(session)
    document = job_document(session.store, options.name)
    from xt_core.reports.early_stopping import early_stopping_of
    from xt_core.reports.jobs import best_runs, job_rows
    from xt_core.reports.pages import job_page
    from xt_core.reports.parents import parent_documents, parent_lines, parents_of
    from xt_core.reports.reruns import reruns_of_job
    from xt_core.reports.search import outcomes

    row = job_rows(session.store, [options.name])[0]
    best = best_runs(session.store, row.job, options.top)
    found = outcomes(row.job, session.store.search_history([row.job.name]))
    reruns = reruns_of_job(session.store, row.job)
    parents = parents_of(session, row.job)
    stopping = early_stopping_of(session, row.job)
    if options.json:
        document["parents"] = parent_documents(session, parents)
        document["early_stopping"] = stopping or None
        document["reruns"] = [job.name for job in reruns]
        emit_json(document | _search_keys(row.job, found, best, options))
    else:
        is_ascii = options.ascii or stdout_glyphs().ascii_only
        lines = parent_lines(session, parents)
        page = job_page(row, reruns, lines, stopping, ascii_only=is_ascii)
        _print_job(row.job, page, found, best, options, is_ascii=is_ascii)


def _search_keys(
    job: Job, found: "list[Outcome]", best: list[Run], options: argparse.Namespace
) -> dict[str, Any]:
    """What the document of a job has beyond that of a list of jobs."""
    from xt_core.reports.search import (
        given_sets,
        parameter_importance,
        search_document,
        slices_document,
    )

    now, sets = clock.now(), given_sets(found)
    documents = [
        run_document(run, now) | {"set": plain(dict(sets.get(run.full_name, run.hparams)))}
        for run in best
    ]
    document: dict[str, Any] = {"best_runs": documents} | search_document(job, found)
    if options.importance:
        document["importance"] = parameter_importance(job, found)
    if options.slices:
        document["slices"] = slices_document(found)
    return document


def _print_job(
    job: Job,
    page: list[str],
    found: "list[Outcome]",
    best: list[Run],
    options: argparse.Namespace,
    *,
    is_ascii: bool,
) -> None:
    from xt_core.chart import Chart, to_ansi
    from xt_core.reports.search_page import search_page

    width = shutil.get_terminal_size().columns
    search = search_page(
        job,
        found,
        best,
        width,
        importance=options.importance,
        slices=options.slices,
        ascii_only=is_ascii,
    )
    colored = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    for part in [*page, *search]:
        print(to_ansi(part, color=colored) if isinstance(part, Chart) else part)
