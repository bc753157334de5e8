"""Submission: from a request to a job that a controller serves.

Nothing is visible in the stats store before all that the job needs is stored; a submission that
dies half-way leaves no job behind.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xt_core import clock
from xt_core.errors import UnavailableError, UsageError
from xt_core.model.records import Job, Objective, Run, Value, WorkItem
from xt_core.model.states import RunStatus, Schedule, SearchStyle
from xt_core.search.values import parse_value
from xt_core.session import Session
from xt_core.stats.store import RunQuery, new_items
from xt_core.submit import searching
from xt_core.submit.command import parse_multi_commands
from xt_core.submit.mrc import MultiRunConfig, NodeContext, mrc_key, shown_command
from xt_core.submit.options import RUN_OPTIONS, RunRequest
from xt_core.submit.plan import Plan, make_plan
from xt_core.submit.script import (
    CodeLayout,
    Script,
    python_command,
    resolve,
    shell_environment,
)
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.submit.snapshot.taking import Snapshot, take_snapshot

_MEBIBYTE = 1 << 20
_HAND_OVER_ATTEMPTS = 3
Note = Callable[[str], None]
"""Called with what happens, for the user to see."""


@dataclass(frozen=True)
class Preparation:
    """A checked request: everything is decided, nothing is stored."""

    plan: Plan
    context: NodeContext
    """What each of the nodes runs, but for the name of its run."""
    nodes: list[str]
    search: dict[str, Any]
    objectives: list[Objective]
    stopping: dict[str, Any]
    schedule: Schedule
    warm_start: list[str]
    snapshot: SnapshotSpec | None
    request: RunRequest
    tags: dict[str, Value]

    def mrc(self, job: str, runs: Sequence[str], session: Session) -> MultiRunConfig:
        """The MRC, for a job of that name with these runs, one a node."""
        config = session.config
        contexts = [replace(self.context, run=run) for run in runs]
        return MultiRunConfig(
            job=job,
            workspace=session.workspace,
            experiment=config.string("general.experiment"),
            style=self.plan.style,
            username=config.string("general.username"),
            target=config.target().name,
            concurrent=config.integer("hyperparameter-search.concurrent"),
            commands=self.plan.commands,
            search=self.search,
            nodes=dict(zip(self.nodes, contexts, strict=True)),
            schedule=self.schedule,
            learn_from=config.string("hyperparameter-search.aggregate-dest"),
            stopping=self.stopping,
            max_minutes=config.get("hyperparameter-search.max-minutes"),
            lease_seconds=config.number("hyperparameter-search.lease-seconds"),
        )


@dataclass(frozen=True)
class Submission:
    """A submitted job, with the keys of `xt run --json`."""

    workspace: str
    job: str
    runs: list[str]
    style: str
    work_items: int
    nodes: list[str]


def prepare(session: Session, request: RunRequest) -> Preparation:
    """Check a request and decide what it means; writes nothing. Raises UsageError and its like.

    `session.overrides` must hold `request.overrides()`.
    """
    config = session.config
    nodes = _node_names(session, request)
    target = config.target()
    setup_name = request.setup or target.setup
    activate = _activation(session, setup_name) if setup_name else None
    layout = CodeLayout(
        base=session.cwd,
        code_dirs=config.strings("code.code-dirs"),
        working_dir=config.string("code.working-dir"),
        uploaded=config.boolean("code.code-upload"),
    )
    python = python_command(session.environ, activated=activate is not None)
    scripts = _scripts(session, request, layout, python)
    search = searching.plan_arguments(session, request, scripts[0].argv) | {"nodes": len(nodes)}
    multi = [script.argv for script in scripts] if _is_multi(session, request) else None
    command = [] if multi else scripts[0].argv
    plan = make_plan(command, multi_commands=multi, **search)
    context = NodeContext(
        run="",
        working_dir=layout.working_dir,
        activate=activate,
        parent_script=_parent_script(session, request, layout, python, plan),
        env=config.mapping("general.env-vars") | request.env,
        shell_env=shell_environment(session.environ),
        after_dirs=config.strings("after-files.after-dirs")
        if config.boolean("after-files.after-upload")
        else [],
        after_omit=config.strings("after-files.after-omit"),
        mirror_files=config.strings("logging.mirror-files"),
        grace_seconds=config.number("general.grace-seconds"),
        resume_name=request.resume_name or "",
        generated_config=searching.generated_config(session, plan),
        retries=config.integer("hyperparameter-search.retries"),
        retry_exit_codes=searching.exit_codes(session),
    )
    snapshot = _snapshot_spec(session, scripts[0].folder) if layout.uploaded else None
    return Preparation(
        plan=plan,
        context=context,
        nodes=nodes,
        search=search,
        objectives=searching.chosen_objectives(session, plan),
        stopping=searching.stopping_settings(session, plan),
        schedule=searching.chosen_schedule(session, len(nodes)),
        warm_start=searching.warm_start_jobs(session, request, plan),
        snapshot=snapshot,
        request=request,
        tags=parse_tags(request.tags or ""),
    )


def submit(session: Session, preparation: Preparation, note: Note) -> Submission:
    """Store the job and hand it to the controllers of its nodes."""
    store, artifacts = session.store, session.artifacts
    session.controllers.ensure_running(preparation.nodes)
    workspace = session.workspace
    job_name = store.next_job_name()
    run_names = [store.next_run_name(workspace) for _ in preparation.nodes]
    context = preparation.context
    if preparation.snapshot is not None:
        with tempfile.TemporaryDirectory(prefix="xt-") as folder:
            snapshot = take_snapshot(preparation.snapshot, Path(folder) / "code.zip")
            _tell_of_snapshot(snapshot, note)
            context.code = f"{workspace}/jobs/{job_name}/before/code.zip"
            context.code_digest = snapshot.digest
            artifacts.put_shared(context.code, snapshot.path, snapshot.digest)
    mrc = preparation.mrc(job_name, run_names, session)
    artifacts.put_bytes(mrc_key(workspace, job_name), mrc.to_json().encode())
    job = _job(session, preparation, mrc)
    store.add_job(job, _first_runs(job, run_names), _work_items(job))
    _hand_over(session, job)
    return Submission(workspace, job_name, run_names, job.style, job.work_items, job.nodes)


def extend(session: Session, request: RunRequest) -> Submission:
    """Add `runs` work items to the job that `extend` names; one that had ended goes on.

    Raises UsageError for a job or options that cannot be, UnknownNameError.
    """
    others = [
        option.name
        for option in RUN_OPTIONS
        if option.name not in ("extend", "runs", "workspace")
        and getattr(request, option.field) not in (None, {})
    ]
    if others or request.command:
        what = f"--{others[0]}" if others else request.command[0]
        raise UsageError(
            f"--extend and {what} together: a job goes on as it was submitted",
            "give only --runs, as in xt run --extend job12 --runs 50",
        )
    if request.runs is None or request.runs < 1:
        raise UsageError("--extend without a number of runs", "say how many more: --runs 50")
    job = session.store.job(request.extend or "")
    if job.style == SearchStyle.SINGLE:
        raise UsageError(f"{job.name} is a single run", "extend a search, or submit it again")
    session.controllers.ensure_running(job.nodes)
    job = session.store.extend_job(job.name, request.runs)
    _hand_over(session, job)
    query = RunQuery(workspace=job.workspace, jobs=[job.name], parents=True)
    parents = [run.name for run in session.store.find_runs(query)[0]]
    return Submission(job.workspace, job.name, parents, job.style, job.work_items, job.nodes)


def _hand_over(session: Session, job: Job) -> None:
    """Tell its nodes' controllers of a stored job, also when one is replaced just now. One that
    cannot be told finds the job when it starts."""
    for _ in range(_HAND_OVER_ATTEMPTS):
        try:
            session.controllers.take_up(job)
            return
        except UnavailableError as error:
            failure = error
    raise failure


def parse_tags(text: str) -> dict[str, Value]:
    """``best,lr=0.1`` as a mapping; a bare name is true. Raises UsageError."""
    tags: dict[str, Value] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = item.partition("=")
        if not name.strip():
            raise UsageError(f"a tag without a name: {item!r}", "as in --tags best,note=x")
        tags[name.strip()] = parse_value(value.strip()) if equals else True
    return tags


# Decisions ------------------------------------------------------------------------------


def _node_names(session: Session, request: RunRequest) -> list[str]:
    target = session.config.target()
    count = target.nodes if request.nodes is None else request.nodes
    if count < 1:
        raise UsageError(f"--nodes is {count}", "give --nodes a number of 1 or more")
    return [f"node{index}" for index in range(count)]


def _is_multi(session: Session, request: RunRequest) -> bool:
    if request.multi_commands is not None:
        return True
    return not request.command and bool(session.config.strings("commands"))


def _scripts(
    session: Session, request: RunRequest, layout: CodeLayout, python: str
) -> list[Script]:
    if not _is_multi(session, request):
        return [resolve(request.command, layout, session.environ, python)]
    if request.command:
        raise UsageError(
            f"both a script ({request.command[0]}) and --multi-commands",
            "put the script into the file of commands",
        )
    flat = CodeLayout(layout.base, ["**"], layout.working_dir, layout.uploaded)
    commands = _multi_commands(session, request)
    resolved = [resolve(command, flat, session.environ, python) for command in commands]
    return [Script(script.argv, session.cwd) for script in resolved]


def _multi_commands(session: Session, request: RunRequest) -> list[list[str]]:
    if request.multi_commands is None:
        lines = "\n".join(session.config.strings("commands"))
        return parse_multi_commands(lines, session.config.origin("commands"))
    path = session.cwd / request.multi_commands
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read {path}: {reason}", "give --multi-commands a file") from error
    return parse_multi_commands(text, request.multi_commands)


def _activation(session: Session, name: str) -> str | None:
    setup = session.config.setup(name)
    if setup.pip_packages or setup.conda_packages:
        raise UsageError(
            f"setup {name} lists packages, which a local target does not install",
            "install them into the environment that its activate command names",
        )
    return setup.activate


def _parent_script(
    session: Session, request: RunRequest, layout: CodeLayout, python: str, plan: Plan
) -> list[str] | None:
    if request.parent_script is None:
        return None
    if plan.style is SearchStyle.SINGLE:
        raise UsageError(
            "--parent-script with a single run, which has no parent", "add it to the script"
        )
    return resolve([request.parent_script], layout, session.environ, python).argv


def _snapshot_spec(session: Session, folder: Path) -> SnapshotSpec:
    config = session.config
    return SnapshotSpec(
        script_dir=folder,
        code_dirs=config.strings("code.code-dirs"),
        omit=[*config.strings("code.code-omit"), *_own_files(session, folder)],
        max_file_bytes=int(config.number("code.max-file-mb") * _MEBIBYTE),
        max_total_bytes=int(config.number("code.max-total-mb") * _MEBIBYTE),
        base=session.cwd,
    )


def _own_files(session: Session, folder: Path) -> list[str]:
    """XT's own folder, should it lie within the user's code."""
    root = session.home.root.resolve()
    inside = root.is_relative_to(folder.resolve()) and root != folder.resolve()
    return [root.relative_to(folder.resolve()).as_posix()] if inside else []


def _tell_of_snapshot(snapshot: Snapshot, note: Note) -> None:
    for warning in snapshot.warnings:
        note(f"warning: {warning}")


# Records --------------------------------------------------------------------------------


def _job(session: Session, preparation: Preparation, mrc: MultiRunConfig) -> Job:
    plan, request = preparation.plan, preparation.request
    return Job(
        name=mrc.job,
        workspace=mrc.workspace,
        experiment=mrc.experiment,
        style=plan.style,
        target=mrc.target,
        username=mrc.username,
        created=clock.now(),
        work_items=plan.work_items,
        concurrent=mrc.concurrent,
        search_type=plan.search_type,
        schedule=mrc.schedule,
        nodes=list(mrc.nodes),
        primary_metric=preparation.objectives[0].metric,
        maximize=preparation.objectives[0].maximize,
        objectives=preparation.objectives,
        space={} if plan.template is None else plan.template.space.describe(),
        warm_start=preparation.warm_start,
        priority=request.priority or 0,
        description=request.description or "",
        command=shown_command(request.command or plan.commands[0]),
        seed=plan.seed,
        tags=preparation.tags,
    )


def _first_runs(job: Job, names: Sequence[str]) -> list[Run]:
    """The single run, or a parent on each node."""
    return [_first_run(job, name, node) for name, node in zip(names, job.nodes, strict=True)]


def _first_run(job: Job, name: str, node: str) -> Run:
    single = job.style == SearchStyle.SINGLE
    return Run(
        workspace=job.workspace,
        name=name,
        job=job.name,
        experiment=job.experiment,
        node=node,
        status=RunStatus.QUEUED,
        created=job.created,
        queued=job.created,
        is_parent=not single,
        run_index=0 if single else None,
        target=job.target,
        username=job.username,
        description=job.description,
        command=job.command,
    )


def _work_items(job: Job) -> Iterator[WorkItem]:
    return iter(()) if job.style == SearchStyle.SINGLE else new_items(job, 0, job.work_items)
