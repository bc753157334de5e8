"""A submission made again: what its MRC tells of it, as a request that can be changed.

A run of a search gives the one command that it was, with its set; a job the whole search, with the
seed that it had. The code is the present one, of the folder that the job was submitted from.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xt_core.errors import UnavailableError, UnknownNameError, UsageError
from xt_core.model.records import Job, Run
from xt_core.model.states import SearchStyle
from xt_core.search.space import Space
from xt_core.session import Session
from xt_core.submit.command import END_OF_OPTIONS, find_search_options
from xt_core.submit.mrc import Asked, MultiRunConfig, mrc_key
from xt_core.submit.options import RUN_OPTIONS, RunRequest
from xt_core.submit.preparation import Preparation, StoredCode

_OF_MANY_RUNS = (
    "runs",
    "max_runs",
    "search_type",
    "search_style",
    "concurrent",
    "seed",
    "hp_config",
    "early_stopping",
    "schedule",
    "warm_start",
    "multi_commands",
    "parent_script",
    "nodes",
)
"""The options that mean nothing for one run."""
_SETTINGS = {
    "workspace": "general.workspace",
    "experiment": "general.experiment",
    "target": "xt-services.target",
}
"""What a job was submitted with, though the configuration may say something else by now."""


@dataclass(frozen=True)
class Again:
    """A submission to make again."""

    name: str
    """The run or the job that it is made from."""
    origin: str
    """The same, as the team calls it: a run by its full name."""
    request: RunRequest
    folder: Path
    """Where the script and the files of options are found."""
    code: StoredCode | None
    """The snapshot of the job; None if it took none."""
    missing_folder: str = ""
    """The folder of the submission, where this machine does not have it."""


def job_again(session: Session, job: Job) -> Again:
    """A whole job again. Raises UnknownNameError or UnavailableError where its MRC cannot be read,
    UsageError where that does not tell enough."""
    mrc = read_mrc(session, job)
    asked = _asked(mrc, job)
    options = dict(asked.options)
    if mrc.style in (SearchStyle.STATIC, SearchStyle.DYNAMIC):
        options.setdefault("seed", mrc.search["seed"])
    request = RunRequest(command=asked.command, **options)
    return _again(session, (job.name, job.name), mrc, asked, request)


def run_again(session: Session, run: Run) -> Again:
    """A run again: a child as the single command that it was, a parent as its job.

    Raises what `job_again` raises, and UsageError for a set that no command can have.
    """
    job = session.store.job(run.job)
    if run.parent is None:
        return replace(job_again(session, job), name=run.name, origin=run.full_name)
    mrc = read_mrc(session, job)
    asked = _asked(mrc, job)
    item = session.store.work_item(run.job, run.run_index or 0)
    command = _child_command(mrc, asked, run, None if item is None else item.hparams)
    options = {name: v for name, v in asked.options.items() if name not in _OF_MANY_RUNS}
    has_brackets = bool(find_search_options(command, mrc.search["option_prefix"]).space)
    if has_brackets or mrc.search["hp_space"] is not None:
        options["raw_args"] = True  # a value is no search, and the file's space is not searched
    if len(mrc.nodes) > 1:
        options["nodes"] = 1
    request = RunRequest(command=command, **options)
    return _again(session, (run.name, run.full_name), mrc, asked, request)


def read_mrc(session: Session, job: Job) -> MultiRunConfig:
    """A job's MRC. Raises UnknownNameError or UnavailableError."""
    try:
        text = session.artifacts.get_bytes(mrc_key(job.workspace, job.name))
    except UnknownNameError as error:
        raise UnknownNameError(
            f"the MRC of {job.name} is not stored, so what it ran is not known",
            "submit it with xt run",
        ) from error
    return MultiRunConfig.from_json(text)


def changed(request: RunRequest, options: dict[str, Any], arguments: Sequence[str]) -> RunRequest:
    """The request with other options, and with arguments of the script that take the place of
    those of the same name, or come to the others."""
    if options.get("maximize") or options.get("minimize"):
        options = {"maximize": None, "minimize": None, **options}
    env = request.env | options.get("env", {})
    command = with_arguments(request.command, arguments)
    return replace(request, command=command, **(options | {"env": env}))


def noting_origin(preparation: Preparation, again: Again, workspace: str) -> Preparation:
    """What is made again, in a workspace, with the run or job that it is made from."""
    return replace(preparation, rerun_of=again.origin.removeprefix(f"{workspace}/"))


def with_arguments(command: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """The command with these arguments: `--lr=0.1` replaces `--lr=…` and the value after `--lr`;
    whatever replaces nothing is added, before a literal `--` if there is one."""
    words = list(command)
    for argument in arguments:
        name, equals, value = argument.partition("=")
        place = _place(words, name) if equals and name.startswith("-") else None
        if place is None:
            end = words.index(END_OF_OPTIONS) if END_OF_OPTIONS in words else len(words)
            words.insert(end, argument)
        elif words[place] == name:
            words[place + 1] = value
        else:
            words[place] = argument
    return words


def _place(words: Sequence[str], name: str) -> int | None:
    """Where an option of the script stands: `name=…`, or `name` with a value after it."""
    for place, word in enumerate(words):
        if word == END_OF_OPTIONS:
            return None
        has_value = place + 1 < len(words) and not words[place + 1].startswith("-")
        if word.startswith(f"{name}=") or (word == name and has_value):
            return place
    return None


def _again(
    session: Session,
    names: tuple[str, str],
    mrc: MultiRunConfig,
    asked: Asked,
    request: RunRequest,
) -> Again:
    """`names` are what it is made from, and what the team calls that."""
    context = next(iter(mrc.nodes.values()))
    code = None if context.code is None else StoredCode(context.code, context.code_digest)
    folder = Path(asked.folder)
    is_here = bool(asked.folder) and folder.is_dir()
    folder, missing = (folder, "") if is_here else (session.cwd, asked.folder)
    config = session.beside(cwd=folder).config
    for field, setting in _SETTINGS.items():
        was = getattr(mrc, field)
        if getattr(request, field) is None and config.string(setting) != was:
            setattr(request, field, was)
    return Again(*names, request, folder, code, missing)


def _asked(mrc: MultiRunConfig, job: Job) -> Asked:
    """What the user asked for; of a job from before that was noted, as far as it can be told."""
    if mrc.asked is not None:
        if unknown := mrc.asked.options.keys() - {option.field for option in RUN_OPTIONS}:
            told = ", ".join(sorted(unknown))
            raise UnavailableError(f"{job.name} has options of a newer XT: {told}", "upgrade XT")
        return mrc.asked
    if mrc.style == SearchStyle.MULTI or mrc.search.get("hp_space") is not None:
        raise UsageError(
            f"{job.name} was submitted by an older XT, which did not note what it ran",
            "submit it with xt run",
        )
    context = next(iter(mrc.nodes.values()))
    known = {
        **{name: mrc.search.get(name) for name in ("runs", "max_runs", "search_type")},
        "raw_args": mrc.search.get("raw_args") or None,
        "concurrent": mrc.concurrent,
        "max_minutes": mrc.max_minutes,
        "retries": context.retries or None,
        "resume_name": context.resume_name or None,
        "env": context.env,
        "nodes": len(mrc.nodes) if len(mrc.nodes) > 1 else None,
        "description": job.description or None,
    }
    given = {name: value for name, value in known.items() if value not in (None, {})}
    return Asked("", shlex.split(job.command), given)


def _child_command(
    mrc: MultiRunConfig, asked: Asked, run: Run, hparams: dict[str, Any] | None
) -> list[str]:
    """What the user would have typed for one work item. Raises UsageError."""
    index = run.run_index or 0
    if mrc.style == SearchStyle.MULTI:
        return asked.commands[index % len(asked.commands)]
    if mrc.style == SearchStyle.REPEAT:
        return asked.command
    plan, prefix = mrc.plan(), mrc.search["option_prefix"]
    values = plan.hparams(index) if hparams is None else hparams
    if values is None:
        raise UsageError(f"{run.name} has no set of hyperparameters yet", f"xt rerun {run.job}")
    template = find_search_options(asked.command, prefix)
    if (space := mrc.search["hp_space"]) is not None:
        if prefix is None:
            raise UsageError(
                f"the set of {run.name} does not reach the script as options, so no command has it",
                f"xt rerun {run.job} runs the whole search again",
            )
        template = template.with_space(Space.from_object(space), prefix)
    return template.render(values)
