"""What a run's life writes into the stats store: its starts, its way back to the queue, its end.

Each is one transaction of the store's writer, and gives the run as it is stored then.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from controller.execution import STOP_EARLY, ExitRecord
from xt_core import clock
from xt_core.model.records import Event, Run, Value
from xt_core.model.states import RunStatus
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import RunChange
from xt_core.submit.arguments import script_arguments
from xt_core.submit.mrc import shown_command


def announce_start(
    store: SqliteStatsStore,
    run: Run,
    argv: Sequence[str],
    option_prefix: str | None,
    hparams: Mapping[str, Value],
    gpus: Sequence[str],
    downloads: Mapping[str, Any] | None,
) -> Run:
    """A process is about to be started; `downloads` tells what was brought for it, if anything.

    Its hyperparameters are the options of its script, of which those of its set are typed as the
    search has them; what an earlier attempt logged stays.
    """
    workspace, name = run.workspace, run.name
    known = {**hparams, **run.hparams}
    known |= script_arguments(argv, option_prefix) | known
    if downloads is not None:
        data = {"source": "job", **downloads}
        store.change_run(RunChange(workspace, name, event="download_before", data=data))
    return store.change_run(
        RunChange(
            workspace,
            name,
            RunStatus.RUNNING,
            event="restarted" if run.restarts else "started",
            data={"gpus": list(gpus)} if gpus else {},
            fields={"command": shown_command(list(argv)), "hparams": known},
        )
    )


def requeue(store: SqliteStatsStore, run: Run, failed: ExitRecord | None) -> Run:
    """Back to the queue for another start: a retry if the process failed, else a restart."""
    fields = {
        "restarts": run.restarts + 1,
        "retries": run.retries + (0 if failed is None else 1),
    }
    data: dict[str, object] = {}
    if failed is not None:
        data = {"retry": fields["retries"], "exit_code": failed.exit_code}
    return store.change_run(
        RunChange(run.workspace, run.name, RunStatus.QUEUED, "queued", data, fields)
    )


def announce_end(
    store: SqliteStatsStore, run: Run, record: ExitRecord, console_bytes: int
) -> tuple[Run, list[Event]]:
    """Its last process has ended; the final state comes when its files are stored. Also all events
    of the run."""
    workspace, name = run.workspace, run.name
    if run.ended is not None:  # an earlier controller came this far
        return run, store.events(workspace, name)
    status, error = record.outcome()
    ended = record.ended or clock.now()
    if status is RunStatus.CANCELLED:
        store.change_run(RunChange(workspace, name, event="cancelled", time=ended))
    data = {
        "status": status,
        "exit_code": record.exit_code,
        "signal": record.signal,
        "duration": round(max(0.0, ended - (run.started or ended)), 3),
        "cpu_seconds": record.cpu_seconds,
        "peak_memory_bytes": record.peak_memory_bytes,
        "console_bytes": console_bytes,
    }
    fields = {
        "ended": ended,
        "exit_code": record.exit_code,
        "error": error,
        "stopped_early": record.stopped == STOP_EARLY,
    }
    change = RunChange(workspace, name, event="ended", data=data, fields=fields, time=ended)
    return store.change_run(change), store.events(workspace, name)


def announce_end_unstarted(
    store: SqliteStatsStore, run: Run, status: RunStatus, error: str
) -> tuple[Run, list[Event]]:
    """The run ends without a process to tell how. Also all events of the run."""
    workspace, name = run.workspace, run.name
    if run.ended is None:
        ended = clock.now()
        if status is RunStatus.CANCELLED:
            store.change_run(RunChange(workspace, name, event="cancelled", time=ended))
        data = {"status": status, "exit_code": None, "error": error}
        fields = {"ended": ended, "error": error}
        run = store.change_run(
            RunChange(workspace, name, event="ended", data=data, fields=fields, time=ended)
        )
    return run, store.events(workspace, name)
