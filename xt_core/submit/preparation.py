"""Preparation: what a request means, decided and checked in whole before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any

from xt_core.config import config_files
from xt_core.errors import UsageError
from xt_core.model.records import Objective, Value
from xt_core.model.states import Schedule, SearchStyle
from xt_core.session import Session
from xt_core.submit import searching
from xt_core.submit.command import parse_multi_commands
from xt_core.submit.doubts import command_doubts
from xt_core.submit.environments import EnvironmentSpec, environment_of
from xt_core.submit.misplaced import misplaced_doubts, refuse_dry_run
from xt_core.submit.mrc import Asked, MultiRunConfig, NodeContext
from xt_core.submit.options import RunRequest
from xt_core.submit.owncommand import refuse_own_command
from xt_core.submit.placement import Placement, place
from xt_core.submit.plan import Plan, make_plan
from xt_core.submit.script import (
    CodeLayout,
    Script,
    python_command,
    resolve,
    shell_environment,
)
from xt_core.submit.sharing import SharePlan, local_folders, plan_shares, uses_of
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.tags import parse_tags

_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class StoredCode:
    """The code snapshot of an earlier job: its artifact key and its digest."""

    key: str
    digest: str


@dataclass(frozen=True)
class Preparation:
    """A checked request: everything is decided, nothing is stored."""

    plan: Plan
    context: NodeContext
    """What all of the nodes run."""
    placement: Placement
    environments: dict[str, EnvironmentSpec | None]
    """What is built on each node before its first run."""
    search: dict[str, Any]
    objectives: list[Objective]
    is_metric_default: bool
    stopping: dict[str, Any]
    schedule: Schedule
    warm_start: list[str]
    snapshot: SnapshotSpec | None
    shares: list[SharePlan]
    request: RunRequest
    tags: dict[str, Value]
    commands: list[list[str]]
    """The listed commands of a job that has many, as they were written."""
    code: StoredCode | None = None
    """The code to use again, instead of a new snapshot."""
    doubts: Sequence[str] = ()
    """What was most likely meant otherwise; for the user to see."""
    rerun_of: str = ""
    """The run or job that it is made from; see `Job`."""

    @property
    def nodes(self) -> list[str]:
        return self.placement.nodes

    @property
    def has_setup(self) -> bool:
        """Whether there is anything to build."""
        return any(environment is not None for environment in self.environments.values())

    def _context_of(self, node: str, run: str) -> NodeContext:
        context, setup = self.context, self.placement.setups[node]
        kinds = self.placement.shares.get(node)
        return replace(
            context,
            run=run,
            environment=self.environments[node],
            activate=None if setup is None else setup.activate,
            shell_env=context.shell_env if kinds is None else {},
            shares={
                kind: use for kind, use in context.shares.items() if kinds is None or kind in kinds
            },
        )

    def mrc(self, job: str, runs: Sequence[str], session: Session) -> MultiRunConfig:
        """The MRC, for a job of that name with these runs, one a node."""
        config = session.config
        contexts = {
            node: self._context_of(node, run) for node, run in zip(self.nodes, runs, strict=True)
        }
        return MultiRunConfig(
            job=job,
            workspace=session.workspace,
            experiment=config.string("general.experiment"),
            style=self.plan.style,
            username=config.string("general.username"),
            target=self.placement.target,
            concurrent=config.integer("hyperparameter-search.concurrent"),
            commands=self.plan.commands,
            search=self.search,
            nodes=contexts,
            schedule=self.schedule,
            learn_from=config.string("hyperparameter-search.aggregate-dest"),
            stopping=self.stopping,
            max_minutes=config.get("hyperparameter-search.max-minutes"),
            lease_seconds=config.number("hyperparameter-search.lease-seconds"),
            asked=Asked(
                folder=str(session.cwd),
                command=self.request.command,
                options=self.request.given(),
                commands=self.commands,
            ),
            rerun_of=self.rerun_of,
        )


def prepare(session: Session, request: RunRequest) -> Preparation:
    """Check a request and decide what it means; writes nothing. Raises UsageError and its like.

    `session.overrides` must hold `request.overrides()`.
    """
    config = session.config
    refuse_own_command(request.command)
    if not request.raw_args:
        refuse_dry_run(request.command, session.cwd)
    placement = place(session, request)
    environments = _environments(session, placement)
    layout = CodeLayout(
        base=session.cwd,
        code_dirs=config.strings("code.code-dirs"),
        working_dir=config.string("code.working-dir"),
        uploaded=config.boolean("code.code-upload"),
        is_prepared=placement.is_prepared,
    )
    python = python_command(
        session.environ, activated=placement.is_prepared, elsewhere=bool(placement.boxes)
    )
    written = _commands(session, request)
    scripts = _scripts(session, request, written, layout, python)
    search = searching.plan_arguments(session, request, scripts[0].argv) | {
        "nodes": len(placement.nodes)
    }
    multi = [script.argv for script in scripts] if written else None
    command = [] if multi else scripts[0].argv
    plan = make_plan(command, multi_commands=multi, **search)
    shares = plan_shares(session, placement.boxes)
    context = NodeContext(
        run="",
        working_dir=layout.working_dir,
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
        shares=uses_of(shares),
    )
    taken = local_folders(shares)
    objectives = searching.chosen_objectives(session, plan)
    stopping = searching.stopping_settings(session, plan)
    space = None if plan.template is None else plan.template.space
    is_metric_default = config.origin("general.primary-metric") == "default"
    snapshot = _snapshot_spec(session, scripts[0].folder, taken) if layout.uploaded else None
    return Preparation(
        plan=plan,
        context=context,
        placement=placement,
        environments=environments,
        search=search,
        objectives=objectives,
        is_metric_default=is_metric_default,
        stopping=stopping,
        schedule=searching.chosen_schedule(session, placement, plan),
        warm_start=searching.warm_start_jobs(session, request, plan),
        snapshot=snapshot,
        shares=shares,
        request=request,
        tags=parse_tags(request.tags or ""),
        commands=written,
        doubts=[
            *_doubts(session, request, search["option_prefix"]),
            *searching.repeat_doubts(space, plan.search_type, plan.work_items),
            *searching.size_doubts(plan, search),
            *searching.goal_doubts(session, objectives),
            *searching.metric_doubts(plan, objectives if is_metric_default else (), stopping),
        ],
    )


def _doubts(session: Session, request: RunRequest, option_prefix: str | None) -> list[str]:
    if request.raw_args:
        return []
    return [
        *command_doubts(request.command, option_prefix),
        *misplaced_doubts(request.command, session.cwd),
    ]


def _environments(session: Session, placement: Placement) -> dict[str, EnvironmentSpec | None]:
    base, made = _setup_base(session), dict[str, EnvironmentSpec | None]()
    for setup in placement.setups.values():
        if setup is not None and setup.name not in made:
            made[setup.name] = environment_of(setup, base)
    return {
        node: None if setup is None else made[setup.name]
        for node, setup in placement.setups.items()
    }


def _is_multi(session: Session, request: RunRequest) -> bool:
    if request.multi_commands is not None:
        return True
    return not request.command and bool(session.config.strings("commands"))


def _commands(session: Session, request: RunRequest) -> list[list[str]]:
    """The listed commands of a job that has many; none for one that has not."""
    if not _is_multi(session, request):
        return []
    if request.command:
        raise UsageError(
            f"both a script ({request.command[0]}) and --multi-commands",
            "put the script into the file of commands",
        )
    return _multi_commands(session, request)


def _scripts(
    session: Session,
    request: RunRequest,
    commands: list[list[str]],
    layout: CodeLayout,
    python: str,
) -> list[Script]:
    if not commands:
        return [resolve(request.command, layout, session.environ, python)]
    flat = replace(layout, code_dirs=["**"])
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


def _setup_base(session: Session) -> Path:
    """Where a setup's files are found from: the folder of the project's configuration."""
    files = config_files(session.home, session.cwd, session.environ)
    projects = [file.parent for file in files if file != session.home.config_file]
    return projects[-1] if projects else session.cwd


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


def _snapshot_spec(session: Session, folder: Path, shared: list[Path]) -> SnapshotSpec:
    config = session.config
    return SnapshotSpec(
        script_dir=folder,
        code_dirs=config.strings("code.code-dirs"),
        omit=[
            *config.strings("code.code-omit"),
            *_own_files(session, folder),
            *_patterns_of(shared, folder),
        ],
        max_file_bytes=int(config.number("code.max-file-mb") * _MEBIBYTE),
        max_total_bytes=int(config.number("code.max-total-mb") * _MEBIBYTE),
        base=session.cwd,
    )


def _own_files(session: Session, folder: Path) -> list[str]:
    """XT's own folder, should it lie within the user's code."""
    root = session.home.root.resolve()
    inside = root.is_relative_to(folder.resolve()) and root != folder.resolve()
    return [root.relative_to(folder.resolve()).as_posix()] if inside else []


def _patterns_of(shared: list[Path], folder: Path) -> list[str]:
    """Data and models that lie within the user's code are not taken along as code, too."""
    return [
        f"/{escape(path.relative_to(folder).as_posix())}"
        for path in shared
        if path != folder and path.is_relative_to(folder)
    ]
