"""Jobs, runs, events and metrics as the JSON documents of the contract.

Times are ISO 8601 in UTC, durations seconds, NaN and infinities null.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from xt_core import clock
from xt_core.model.aggregates import as_document
from xt_core.model.encoding import plain
from xt_core.model.records import Event, Job, JobCounts, MetricRecord, Run
from xt_core.reports.judging import judged
from xt_core.stats.store import StatsStore

Document = dict[str, Any]


def run_document(run: Run, now: float) -> Document:
    """One run, with the keys of `xt list runs --json`."""
    duration = run.duration(now)
    return {
        "name": run.name,
        "workspace": run.workspace,
        "job": run.job,
        "experiment": run.experiment,
        "parent": run.parent,
        "rerun_of": run.rerun_of or None,
        "is_parent": run.is_parent,
        "node": run.node,
        "target": run.target,
        "username": run.username,
        "run_index": run.run_index,
        "status": run.status,
        "exit_code": run.exit_code,
        "error": run.error,
        "restarts": run.restarts,
        "retries": run.retries,
        "stopped_early": run.stopped_early,
        "cancel_requested": run.cancel_requested,
        "created": clock.iso(run.created),
        "queued": clock.iso_or_none(run.queued),
        "started": clock.iso_or_none(run.started),
        "ended": clock.iso_or_none(run.ended),
        "duration": None if duration is None else round(duration, 3),
        "command": run.command,
        "description": run.description,
        "notes": run.notes,
        "hparams": plain(run.hparams),
        "metrics": plain(run.metrics),
        "aggregates": {name: as_document(each) for name, each in run.aggregates.items()},
        "goals": dict(run.goals),
        "tags": plain(run.tags),
    }


def job_documents(store: StatsStore, jobs: Sequence[Job]) -> list[Document]:
    """Jobs, with the keys of `xt list jobs --json`."""
    counts = store.job_counts([job.name for job in jobs])
    jobs, best = judged(store, jobs)
    return [_job_document(job, counts[job.name], best.get(job.name)) for job in jobs]


def job_document(store: StatsStore, name: str) -> Document:
    """One job. Raises UnknownNameError."""
    return job_documents(store, [store.job(name)])[0]


def _job_document(job: Job, counts: JobCounts, best: tuple[str, float] | None) -> Document:
    return {
        "name": job.name,
        "workspace": job.workspace,
        "experiment": job.experiment,
        "rerun_of": job.rerun_of or None,
        "status": counts.status(),
        "style": job.style,
        "search_type": job.search_type,
        "schedule": job.schedule,
        "target": job.target,
        "nodes": job.nodes,
        "work_items": job.work_items,
        "concurrent": job.concurrent,
        "counts": {
            "unstarted": counts.unstarted + counts.queued,
            "running": counts.running,
            "completed": counts.completed,
            "error": counts.error,
            "cancelled": counts.cancelled,
        },
        "stopped_early": counts.stopped_early,
        "primary_metric": job.primary_metric,
        "maximize": job.maximize,
        "is_metric_default": job.is_metric_default,
        "objectives": [asdict(objective) for objective in job.objectives],
        "space": job.space,
        "warm_start": job.warm_start,
        "priority": job.priority,
        "cancel_requested": job.cancel_requested,
        "hosts": job.hosts,
        "best": None if best is None else {"run": best[0], "value": best[1]},
        "created": clock.iso(job.created),
        "username": job.username,
        "description": job.description,
        "command": job.command,
        "seed": job.seed,
        "notes": job.notes,
        "tags": plain(job.tags),
    }


def event_documents(events: Iterable[Event]) -> list[Document]:
    """Events, with the keys of `xt view events --json`."""
    return [
        {"seq": e.seq, "time": clock.iso(e.time), "event": e.event, "data": plain(e.data)}
        for e in events
    ]


def metric_series(records: Iterable[MetricRecord]) -> dict[str, dict[str, list[Any]]]:
    """Each metric's ``{"step": [..], "time": [..], "value": [..]}``, in the order logged.

    A record without a step counts on from the metric's last one, from 0.
    """
    series: dict[str, dict[str, list[Any]]] = {}
    for record in records:
        for name, value in record.values.items():
            points = series.setdefault(name, {"step": [], "time": [], "value": []})
            steps = points["step"]
            step = record.step
            if step is None:
                step = steps[-1] + 1 if steps else 0
            steps.append(int(step) if step == int(step) else step)
            points["time"].append(clock.iso(record.time))
            points["value"].append(value)
    return series


def metric_summaries(records: Iterable[MetricRecord]) -> dict[str, Document]:
    """Each metric's ``{"points", "last", "min", "max"}``; the extremes are of finite numbers."""
    summaries: dict[str, Document] = {}
    for record in records:
        for name, value in record.values.items():
            summary = summaries.setdefault(name, {"points": 0, "min": None, "max": None})
            summary["points"] += 1
            summary["last"] = value
            if isinstance(value, int | float) and math.isfinite(value):
                summary["min"] = value if summary["min"] is None else min(summary["min"], value)
                summary["max"] = value if summary["max"] is None else max(summary["max"], value)
    return summaries


def kept_summaries(run: Run) -> dict[str, Document] | None:
    """`metric_summaries` of a run from what is kept with it, whatever it logged: the points are
    then those that are finite numbers, and a metric without any has no extremes. None where they
    are not worked out yet."""
    aggregates = dict(run.aggregates.items())
    summaries: dict[str, Document] = {}
    for name, last in run.metrics.items():
        kept = aggregates.get(name)
        if kept is not None:
            numbers = {"points": kept.points, "min": kept.low, "max": kept.high}
        elif isinstance(last, int | float) and not isinstance(last, bool):
            return None
        else:
            numbers = {"points": None, "min": None, "max": None}
        summaries[name] = {**numbers, "last": last}
    return summaries


def chosen_points(
    series: dict[str, dict[str, list[Any]]], low: float, high: float, last: int | None
) -> dict[str, dict[str, list[Any]]]:
    """The points of steps from `low` to `high`, of these the last `last` steps."""
    steps = {step for points in series.values() for step in points["step"] if low <= step <= high}
    if last is not None:
        steps = set(sorted(steps)[max(0, len(steps) - last) :])
    chosen: dict[str, dict[str, list[Any]]] = {}
    for name, points in series.items():
        kept = [at for at, step in enumerate(points["step"]) if step in steps]
        chosen[name] = {key: [values[at] for at in kept] for key, values in points.items()}
    return chosen
