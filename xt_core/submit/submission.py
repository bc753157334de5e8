"""Submission: from a request to a job that a controller serves.

Nothing is visible in the stats store before all that the job needs is stored; a submission that
dies half-way leaves no job behind.
"""

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xt_core import clock
from xt_core.errors import UnavailableError, UsageError
from xt_core.model.records import Job, Run, Value, WorkItem
from xt_core.model.states import RunStatus, SearchStyle, WorkItemStatus
from xt_core.search.values import parse_value
from xt_core.session import Session
from xt_core.submit.command import find_search_options, parse_multi_commands
from xt_core.submit.mrc import MultiRunConfig, NodeContext, mrc_key, shown_command
from xt_core.submit.options import RunRequest
from xt_core.submit.plan import Plan, make_plan
from xt_core.submit.script import (
    CodeLayout,
    Script,
    python_command,
    resolve,
    shell_environment,
)
from xt_core.submit.snapshot import Snapshot, SnapshotSpec, take_snapshot

_MEBIBYTE = 1 << 20
_HAND_OVER_ATTEMPTS = 3
Note = Callable[[str], None]
"""Called with what happens, for the user to see."""


@dataclass(frozen=True)
class Preparation:
    """A checked request: everything is decided, nothing is stored."""

    plan: Plan
    context: NodeContext
    search: dict[str, Any]
    snapshot: SnapshotSpec | None
    request: RunRequest
    tags: dict[str, Value]

    def mrc(self, job: str, session: Session) -> MultiRunConfig:
        """The MRC, for a job of that name."""
        config = session.config
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
            nodes={"node0": self.context},
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
    target = config.target()
    if target.nodes != 1:
        raise UsageError(
            f"target {target.name} has {target.nodes} nodes (set by "
            f"{config.origin(f'compute-targets.{target.name}.nodes')})",
            "a local target has 1 node",
        )
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
    search: dict[str, Any] = {
        "runs": request.runs,
        "max_runs": config.optional_integer("hyperparameter-search.max-runs"),
        "search_type": _explicit_search_type(session, request, scripts),
        "seed": _seed(session),
        "option_prefix": config.string("hyperparameter-search.option-prefix"),
        "raw_args": bool(request.raw_args),
    }
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
    )
    snapshot = _snapshot_spec(session, scripts[0].folder) if layout.uploaded else None
    return Preparation(plan, context, search, snapshot, request, parse_tags(request.tags or ""))


def submit(session: Session, preparation: Preparation, note: Note) -> Submission:
    """Store the job and hand it to the controller."""
    controller, store, artifacts = session.controller, session.store, session.artifacts
    controller.ensure_running()
    workspace = session.workspace
    job_name, run_name = store.next_job_name(), store.next_run_name(workspace)
    context = preparation.context
    context.run = run_name
    if preparation.snapshot is not None:
        with tempfile.TemporaryDirectory(prefix="xt-") as folder:
            snapshot = take_snapshot(preparation.snapshot, Path(folder) / "code.zip")
            _tell_of_snapshot(snapshot, note)
            context.code = f"{workspace}/jobs/{job_name}/before/code.zip"
            context.code_digest = snapshot.digest
            artifacts.put_shared(context.code, snapshot.path, snapshot.digest)
    mrc = preparation.mrc(job_name, session)
    artifacts.put_bytes(mrc_key(workspace, job_name), mrc.to_json().encode())
    job = _job(session, preparation, mrc)
    store.add_job(job, [_first_run(job, run_name)], _work_items(job))
    _hand_over(session, job_name)
    return Submission(workspace, job_name, [run_name], job.style, job.work_items, job.nodes)


def _hand_over(session: Session, job: str) -> None:
    """Tell the controller of a stored job, also when it is replaced just now. One that cannot be
    told finds the job when it starts."""
    for _ in range(_HAND_OVER_ATTEMPTS):
        try:
            session.controller.take_up(job)
            return
        except UnavailableError as error:
            failure = error
            session.controller.ensure_running()
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


def _explicit_search_type(
    session: Session, request: RunRequest, scripts: list[Script]
) -> str | None:
    """A search type from the configuration means nothing for a job that searches nothing."""
    if request.search_type is not None:
        return request.search_type
    prefix = session.config.string("hyperparameter-search.option-prefix")
    if request.raw_args or not find_search_options(scripts[0].argv, prefix).space:
        return None
    return session.config.optional_string("hyperparameter-search.search-type")


def _seed(session: Session) -> int:
    given = session.config.optional_integer("hyperparameter-search.seed")
    return random.SystemRandom().randrange(2**31) if given is None else given


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
        primary_metric=session.config.string("general.primary-metric"),
        maximize=session.config.boolean("general.maximize-metric"),
        description=request.description or "",
        command=shown_command(request.command or plan.commands[0]),
        seed=plan.seed,
        tags=preparation.tags,
    )


def _first_run(job: Job, name: str) -> Run:
    """The single run, or the parent."""
    single = job.style == SearchStyle.SINGLE
    return Run(
        workspace=job.workspace,
        name=name,
        job=job.name,
        experiment=job.experiment,
        node=job.nodes[0],
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
    if job.style != SearchStyle.SINGLE:
        for index in range(job.work_items):
            yield WorkItem(job.name, index, WorkItemStatus.UNSTARTED, job.nodes[0])
