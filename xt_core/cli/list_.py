"""`xt list`: reports."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xt_core import clock
from xt_core.annotations import not_archived
from xt_core.cli.aggregates import complete_aggregates, named_aggregates, tell_unknown_goals
from xt_core.cli.archived import asks_for_archived, without_archived
from xt_core.cli.freshness import OWN_PATIENCE_SECONDS, refresh
from xt_core.cli.names import chosen_runs, located, run_patterns
from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser, add_workspace, count, seconds
from xt_core.cli.report_options import (
    add_report_options,
    cut,
    is_ordered,
    report_filters,
    report_layout,
    report_limits,
    report_reverse,
    report_sort,
    report_statuses,
    take_view,
)
from xt_core.cli.talk import emit_json, note
from xt_core.errors import ConfigError, ExitCode, UsageError
from xt_core.model.names import JOB_NAME
from xt_core.model.records import Run
from xt_core.query.fields import FieldSet
from xt_core.query.filters import matches_all
from xt_core.query.registry import JOB_FIELDS, RUN_FIELDS, JobRow
from xt_core.query.sorting import parse_sort, sort_records, sort_text
from xt_core.query.table import render_table
from xt_core.reports.documents import event_documents, job_documents, run_document
from xt_core.reports.jobs import job_rows, named_jobs
from xt_core.reports.logged import logged_names, tag_names, unlogged_texts
from xt_core.reports.tables import Report, terminal_width
from xt_core.session import Session
from xt_core.stats.store import RunQuery

if TYPE_CHECKING:
    from xt_core.config import Config

_EXAMPLES = (
    "xt list runs                                  the last 10 runs",
    "xt list runs job12 --sort metrics.loss        a job's runs, the least loss first",
    'xt list runs --filter "metrics.loss<.2" --filter status=completed --all',
    "xt list runs --filter resnet --filter tags.best   a word, and a tag that is set",
    'xt list runs --columns "run,status,hparams.lr=LR:.2e,metrics.*"',
    "xt list runs --columns run,metrics.loss.best,metrics.*.max --sort metrics.loss.min",
    "xt list runs run3,run7-run9,run35.*           these runs",
    "xt list runs --all --export runs.csv",
    "xt list runs --archived                       also those that xt archive has put away",
    "xt list runs --view best                      a view that was saved in the terminal UI",
    "xt list jobs --status running",
    "xt list jobs job3-job5 --columns job,done,best,best_run",
    "xt list boxes                                 machines reached over SSH, and whether they are",
    "xt list events                                what happened last",
    "xt list events run3.* --last 100",
)
_DEFAULT_EVENTS = 25
_WIDEST_CELL = 80
_BOX_SECONDS = 5.0


def main(argv: list[str]) -> int:
    run_noun(argv, "reports of runs, jobs and more", _REPORTS, _EXAMPLES, is_looking=True)
    return ExitCode.OK


def _add_run_options(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="RUNS", help="run3,run7-run9,run35.*,job12; -")
    add_report_options(parser)
    parser.add_argument("--job", metavar="JOB", help="runs of this job")
    parser.add_argument("--parents", action="store_true", help="parent runs instead")


def _add_job_options(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="JOBS", help="job3,job5-job7; -")
    add_report_options(parser)


def _add_event_options(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="RUNS", help="default: all runs")
    parser.add_argument(
        "--last", type=count, metavar="N", default=_DEFAULT_EVENTS, help="default: 25"
    )
    add_workspace(parser)


def _add_nothing(parser: Parser) -> None:
    pass


# Runs -----------------------------------------------------------------------------------


def _list_runs(session: Session, options: argparse.Namespace) -> None:
    take_view(session, options, "runs", RUN_FIELDS)
    refresh(session)
    known = RUN_FIELDS.knowing(lambda: logged_names(session.store, session.workspace))
    query = _run_query(session, options, known)
    layout = report_layout(session, options, "run-reports")
    named = named_aggregates(query, layout, known)
    if named or options.json or options.export:
        complete_aggregates(session.store)
    runs, total = session.store.find_runs(query)

    def documents() -> dict[str, Any]:
        now = clock.now()
        return {"runs": [run_document(run, now) for run in runs], "total": total}

    _show(Report(runs, total, known, layout, documents), options, "runs")
    if not total and not options.parents:
        _tell_parents(session, query)
    for text in unlogged_texts(session.store, query.workspace, query.filters, runs):
        note(text)
    tell_unknown_goals(named, runs)


def _tell_parents(session: Session, query: RunQuery) -> None:
    """Of jobs without runs their parents tell how they go, or why there are none."""
    from xt_core.reports.parents import is_told, parent_text

    for parent in session.store.find_runs(replace(query, parents=True, statuses=()))[0]:
        if is_told(parent):
            note(f"{parent_text(parent)}: xt view job {parent.job}")


def _run_query(session: Session, options: argparse.Namespace, known: FieldSet[Run]) -> RunQuery:
    config = session.config
    query = RunQuery(
        workspace=session.workspace,
        patterns=located(run_patterns(options.names), session.workspace),
        filters=report_filters(options, known),
        jobs=[_job_name(session, options.job)] if options.job else (),
        statuses=report_statuses(session, options, "run-reports", known),
        parents=options.parents,
        sort=sort_text(parse_sort(report_sort(session, options, "run-reports"), known)),
        reverse=report_reverse(session, options, "run-reports"),
    )
    for pattern in query.patterns:
        if pattern.single:  # a run that is not there is an error, not an empty report
            session.store.run(pattern.workspace or session.workspace, pattern.name)
        elif pattern.single_job:
            session.store.job(pattern.name)
    if any(pattern.workspace != session.workspace for pattern in query.patterns):
        query.workspace = None
    query.first, query.last = report_limits(options, config.integer("run-reports.last"))
    by_name = bool(query.patterns) and all(pattern.single for pattern in query.patterns)
    return query if asks_for_archived(options, by_name) else without_archived(session, query)


def _job_name(session: Session, name: str) -> str:
    if not JOB_NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no job name", "as in job12")
    return session.store.job(name).name


# Jobs -----------------------------------------------------------------------------------


def _list_jobs(session: Session, options: argparse.Namespace) -> None:
    take_view(session, options, "jobs", JOB_FIELDS)
    refresh(session)
    known = JOB_FIELDS.knowing(lambda: tag_names(session.store, session.workspace))
    rows = _chosen_jobs(session, options, known)
    total = len(rows)
    rows = cut(rows, *report_limits(options, session.config.integer("job-reports.last")))

    def documents() -> dict[str, Any]:
        return {"jobs": job_documents(session.store, [row.job for row in rows]), "total": total}

    layout = report_layout(session, options, "job-reports")
    _show(Report[JobRow](rows, total, known, layout, documents), options, "jobs")


def _chosen_jobs(
    session: Session, options: argparse.Namespace, known: FieldSet[JobRow]
) -> list[JobRow]:
    """The jobs that names, filters and states choose, in order."""
    filters = report_filters(options, known)
    statuses = report_statuses(session, options, "job-reports", known)
    order = parse_sort(report_sort(session, options, "job-reports"), known)
    patterns = run_patterns(options.names)
    by_name = bool(patterns) and all(pattern.single_job for pattern in patterns)
    if not asks_for_archived(options, by_name):
        filters.append(not_archived(known))
    names = [job.name for job in named_jobs(session.store, patterns)] if patterns else []
    now = clock.now()
    rows = [
        row
        for row in job_rows(session.store, names, None if names else session.workspace)
        if matches_all(filters, row, now) and (not statuses or row.counts.status() in statuses)
    ]
    return sort_records(rows, order, report_reverse(session, options, "job-reports"), now)


# The rest -------------------------------------------------------------------------------


def _list_nodes(session: Session, options: argparse.Namespace) -> None:
    # A report is no reason to start a controller.
    nodes = session.controllers.status(own_patience=OWN_PATIENCE_SECONDS)["nodes"]
    if not options.json:
        from xt_core.reports.nodes import gpus_text, load_text, memory_text, state_text

        texts = {"load": load_text, "memory": memory_text, "gpus": gpus_text}
        nodes = [node | {name: text(node) for name, text in texts.items()} for node in nodes]
        for node in nodes:
            if node["state"] == "unreachable":
                node["state"] = state_text(node)  # since when
    headers = ["name", "target", "state", "running", "queued", "load", "memory", "gpus"]
    _show_plain(options, "nodes", headers, nodes)


def _list_targets(session: Session, options: argparse.Namespace) -> None:
    chosen = session.config.string("xt-services.target")
    targets = [
        {"name": name, "default": name == chosen}
        | dict(entry)
        | {"nodes": entry["nodes"] or max(1, len(entry["boxes"]))}
        for name, entry in session.config.as_dict()["compute-targets"].items()
    ]
    _show_plain(
        options, "targets", ["name", "service", "nodes", "boxes", "setup", "default"], targets
    )


def _list_boxes(session: Session, options: argparse.Namespace) -> None:
    from xt_core.cli.box import box_rows

    headers = ["name", "address", "state", "max-runs", "setup", "gpus"]
    _show_plain(options, "boxes", headers, box_rows(session, options.timeout))


def _add_box_options(parser: Parser) -> None:
    parser.add_argument(
        "--timeout", type=seconds, default=_BOX_SECONDS, metavar="SECONDS",
        help="how long a box may take to answer (default: %(default)g)",
    )  # fmt: skip


def _list_teams(session: Session, options: argparse.Namespace) -> None:
    from xt_core.services.team import current_team_name, team_names

    current = current_team_name(session.config)
    teams = [
        _team_row(session.config, name) | {"current": name == current}
        for name in team_names(session.config)
    ]
    headers = ["name", "stats", "artifacts", "current"]
    if any("error" in team for team in teams):
        headers.append("error")
    _show_plain(options, "teams", headers, teams)


def _team_row(config: "Config", name: str) -> dict[str, Any]:
    """Where a team keeps what; of one that is set up wrongly, why."""
    from xt_core.services.team import named_team

    try:
        team = named_team(config, name)
    except ConfigError as error:
        return {"name": name, "stats": None, "artifacts": None, "error": error.message}
    return {
        "name": name,
        "stats": "embedded" if team.mongo is None else team.mongo.name,
        "artifacts": "embedded" if team.storage is None else team.storage.name,
    }


def _list_shares(session: Session, options: argparse.Namespace) -> None:
    from dataclasses import asdict

    from xt_core.shares.listing import shares

    rows = [asdict(share) for share in shares(session.artifacts)]
    _show_plain(options, "shares", ["kind", "name", "files", "bytes", "uploaded"], rows)


def _list_workspaces(session: Session, options: argparse.Namespace) -> None:
    refresh(session)
    found = dict(session.store.workspaces())
    found.setdefault(session.workspace, 0)
    current = session.workspace
    rows = [{"name": n, "runs": c, "current": n == current} for n, c in sorted(found.items())]
    _show_plain(options, "workspaces", ["name", "runs", "current"], rows)


def _list_experiments(session: Session, options: argparse.Namespace) -> None:
    refresh(session)
    rows = [{"name": n, "runs": c} for n, c in session.store.experiments(session.workspace)]
    _show_plain(options, "experiments", ["name", "runs"], rows)


def _list_events(session: Session, options: argparse.Namespace) -> None:
    refresh(session)
    if options.names:
        runs = chosen_runs(session, options.names, parents=None)
    else:
        runs, _ = session.store.find_runs(RunQuery(workspace=session.workspace, parents=None))
    events = [
        {"run": run.name, "workspace": run.workspace} | event
        for run in runs
        for event in event_documents(session.store.events(run.workspace, run.name))
    ]
    events.sort(key=lambda event: event["time"])
    total = len(events)
    events = cut(events, None, options.last)
    _show_plain(options, "events", ["time", "run", "event", "data"], events, total)
    if len(events) < total and not options.json:
        note(f"{len(events)} of {total} events; --last shows more")


def _show_plain(
    options: argparse.Namespace,
    name: str,
    headers: list[str],
    rows: list[dict[str, Any]],
    total: int | None = None,
) -> None:
    if options.json:
        emit_json({name: rows, "total": len(rows) if total is None else total})
        return
    if not rows:
        note(f"no {name}")
        return
    cells = [[_cell(row.get(header)) for header in headers] for row in rows]
    alignments = ["left"] * len(headers)
    for line in render_table(headers, cells, alignments, _WIDEST_CELL, terminal_width()):
        print(line)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value)


def _show(report: Report[Any], options: argparse.Namespace, what: str) -> None:
    if options.export is not None:
        report.export(options.export)
        if options.json:
            emit_json({"exported": str(options.export), "total": len(report.records)})
        else:
            note(f"{len(report.records)} {what} written to {options.export}")
        return
    if options.json:
        emit_json(report.documents())
        return
    lines = report.lines()
    if not report.records:
        report.columns(clock.now())  # a wrong column is an error even so
        note(f"no {what}" if not report.total else f"none of {report.total} {what}")
        return
    for line in lines:
        print(line)
    if more := report.foremost(clock.now())[1]:
        note(f"{more} more metrics and hyperparameters: --columns 'run,hparams.*,metrics.*'")
    if len(report.records) < report.total:
        shown = f"{len(report.records)} of {report.total} {what}"
        if options.first is None and options.last is None and is_ordered(options):
            note(f"the first {shown} in this order; --first N shows more, --all all")
        else:
            note(f"{shown}; --all shows all")


_REPORTS: dict[str, Noun] = {
    "runs": Noun(
        "runs with their hyperparameters and last metrics",
        "[RUNS…]",
        _add_run_options,
        _list_runs,
        ("--sort",),
    ),
    "jobs": Noun(
        "jobs with their progress and best runs",
        "[JOBS…]",
        _add_job_options,
        _list_jobs,
        ("--sort",),
    ),
    "nodes": Noun("nodes, and what they do now", "", _add_nothing, _list_nodes),
    "targets": Noun("compute targets", "", _add_nothing, _list_targets),
    "boxes": Noun("boxes, and whether they can be reached", "", _add_box_options, _list_boxes),
    "teams": Noun("teams, and which is in use", "", _add_nothing, _list_teams),
    "shares": Noun("data and models in the team's storage", "", _add_nothing, _list_shares),
    "workspaces": Noun("workspaces", "", add_workspace, _list_workspaces),
    "experiments": Noun("experiments of the workspace", "", add_workspace, _list_experiments),
    "events": Noun("the latest events of runs", "[RUNS…]", _add_event_options, _list_events),
}
