"""The options of a submission, declared once: the command line, the form and the docs use this."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from xt_core.errors import UsageError
from xt_core.shares.use import ACTIONS


class Kind(StrEnum):
    """How an option's value is written."""

    TEXT = "text"
    NUMBER = "number"
    AMOUNT = "amount"
    """A number with a fraction."""
    FLAG = "flag"
    CHOICE = "choice"
    PAIRS = "pairs"
    """``NAME=VALUE``, may be repeated."""
    FILE = "file"


@dataclass(frozen=True)
class RunOption:
    """One option of `xt run`. `setting` names the configuration property it overrides."""

    name: str
    kind: Kind
    help: str
    metavar: str = ""
    group: str = "Job"
    choices: tuple[str, ...] = ()
    setting: str | None = None
    value: object = True
    """What a flag stands for."""

    @property
    def field(self) -> str:
        """The attribute of `RunRequest` that holds it."""
        return self.name.replace("-", "_")


def _share_options(kind: str) -> tuple[RunOption, ...]:
    """The options that set the properties of the section `data` or `model`."""

    def option(name: str, form: Kind, text: str, metavar: str = "", **more: Any) -> RunOption:
        setting = f"{kind}.{kind}-{name}"
        return RunOption(
            f"{kind}-{name}", form, text, metavar, "Data and models", setting=setting, **more
        )

    return (
        option(
            "local",
            Kind.FILE,
            f"a folder to upload; without a share, runs use it where it is (XT_{kind.upper()}_DIR)",
            "FOLDER",
        ),
        option("upload", Kind.FLAG, "upload what has changed of it to the share"),
        option("share-path", Kind.TEXT, "the share (default: the uploaded folder's name)", "NAME"),
        option(
            "action",
            Kind.CHOICE,
            "none, download (once for all runs) or mount: the storage's own files (default: mount "
            "if the storage is on this machine, else download)",
            "ACTION",
            choices=ACTIONS,
        ),
        option("omit", Kind.TEXT, "do not upload files and folders like these, as a,*.tmp", "LIST"),
        option("writable", Kind.FLAG, "each run gets a copy of its own, to write to"),
    )


RUN_OPTIONS: tuple[RunOption, ...] = (
    RunOption("runs", Kind.NUMBER, "how many runs in all", "N", "Search"),
    RunOption(
        "max-runs",
        Kind.NUMBER,
        "at most so many runs of a grid",
        "N",
        "Search",
        setting="hyperparameter-search.max-runs",
    ),
    RunOption(
        "search-type",
        Kind.CHOICE,
        "how bracketed options are searched (default: grid when each "
        "is a list and --runs is not given, else random)",
        "TYPE",
        "Search",
        ("grid", "random", "tpe", "bayesian", "gp", "cmaes", "qmc", "nsga2", "dgd"),
        "hyperparameter-search.search-type",
    ),
    RunOption(
        "search-style",
        Kind.CHOICE,
        "whether sets are chosen before submission or when their runs start (default: static for "
        "grid and random)",
        "STYLE",
        "Search",
        ("static", "dynamic"),
        "hyperparameter-search.search-style",
    ),
    RunOption(
        "hp-config",
        Kind.FILE,
        "a YAML file whose `hparams` are searched",
        "FILE",
        "Search",
        setting="hyperparameter-search.hp-config",
    ),
    RunOption(
        "concurrent",
        Kind.NUMBER,
        "runs at once on a node",
        "N",
        "Search",
        setting="hyperparameter-search.concurrent",
    ),
    RunOption(
        "seed",
        Kind.NUMBER,
        "seed of the search: the same seed gives the same sets",
        "N",
        "Search",
        setting="hyperparameter-search.seed",
    ),
    RunOption(
        "primary-metric",
        Kind.TEXT,
        "the metric that tells which run is best; several as acc:max,latency:min",
        "NAMES",
        "Search",
        setting="general.primary-metric",
    ),
    RunOption(
        "maximize",
        Kind.FLAG,
        "more of the primary metric is better",
        "",
        "Search",
        setting="general.maximize-metric",
    ),
    RunOption(
        "minimize",
        Kind.FLAG,
        "less of the primary metric is better",
        "",
        "Search",
        setting="general.maximize-metric",
        value=False,
    ),
    RunOption(
        "early-stopping",
        Kind.TEXT,
        "stop hopeless runs: median, percentile, truncation, bandit, asha, hyperband, threshold or "
        "patience, with settings as in asha,min-steps=1",
        "POLICY",
        "Search",
    ),
    RunOption(
        "schedule",
        Kind.CHOICE,
        "which node does which run: dealt out beforehand, or whoever is free",
        "KIND",
        "Search",
        ("static", "dynamic"),
        "hyperparameter-search.schedule",
    ),
    RunOption(
        "max-minutes",
        Kind.AMOUNT,
        "cancel the job so many minutes after its submission",
        "N",
        "Search",
        setting="hyperparameter-search.max-minutes",
    ),
    RunOption(
        "retries",
        Kind.NUMBER,
        "start a run that failed again, so many times at most",
        "N",
        "Search",
        setting="hyperparameter-search.retries",
    ),
    RunOption(
        "retry-exit-codes",
        Kind.TEXT,
        "only after these exit codes, as 1,137",
        "CODES",
        "Search",
        setting="hyperparameter-search.retry-exit-codes",
    ),
    RunOption("extend", Kind.TEXT, "add --runs N runs to this job's search", "JOB", "Search"),
    RunOption("warm-start", Kind.TEXT, "learn from the runs of these jobs too", "JOBS", "Search"),
    RunOption("multi-commands", Kind.FILE, "a file of commands, one a line", "FILE", "Search"),
    RunOption("raw-args", Kind.FLAG, "brackets in arguments are no search", "", "Search"),
    RunOption("target", Kind.TEXT, "compute target", "NAME", setting="xt-services.target"),
    RunOption("nodes", Kind.NUMBER, "on how many nodes of the target", "N"),
    RunOption("priority", Kind.NUMBER, "jobs with a larger one get free slots first", "N"),
    RunOption("workspace", Kind.TEXT, "workspace of the runs", "NAME", setting="general.workspace"),
    RunOption("experiment", Kind.TEXT, "label of the job", "NAME", setting="general.experiment"),
    RunOption("description", Kind.TEXT, "what this job is for", "TEXT"),
    RunOption("tags", Kind.TEXT, "tags of the job, as a,b=1", "TAGS"),
    RunOption("parent-script", Kind.FILE, "run once on the node before the first run", "FILE"),
    RunOption("setup", Kind.TEXT, "setup that prepares the environment", "NAME"),
    RunOption("env", Kind.PAIRS, "a variable for the runs (may be repeated)", "NAME=VALUE"),
    RunOption("resume-name", Kind.TEXT, "passed to the runs as XT_RESUME_NAME", "NAME"),
    RunOption(
        "grace",
        Kind.AMOUNT,
        "seconds between SIGTERM and SIGKILL when cancelled",
        "SECONDS",
        setting="general.grace-seconds",
    ),
    RunOption(
        "no-code",
        Kind.FLAG,
        "take no snapshot: run the code where it lies",
        "",
        setting="code.code-upload",
        value=False,
    ),
    *_share_options("data"),
    *_share_options("model"),
)


@dataclass
class RunRequest:
    """What a user asked for: the command, and the options that were given (None: not given)."""

    command: list[str] = field(default_factory=list)
    runs: int | None = None
    max_runs: int | None = None
    search_type: str | None = None
    search_style: str | None = None
    concurrent: int | None = None
    seed: int | None = None
    primary_metric: str | None = None
    maximize: bool | None = None
    minimize: bool | None = None
    hp_config: str | None = None
    early_stopping: str | None = None
    schedule: str | None = None
    max_minutes: float | None = None
    retries: int | None = None
    retry_exit_codes: str | None = None
    extend: str | None = None
    warm_start: str | None = None
    multi_commands: str | None = None
    raw_args: bool | None = None
    nodes: int | None = None
    priority: int | None = None
    target: str | None = None
    workspace: str | None = None
    experiment: str | None = None
    description: str | None = None
    tags: str | None = None
    parent_script: str | None = None
    setup: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    resume_name: str | None = None
    grace: float | None = None
    no_code: bool | None = None
    data_local: str | None = None
    data_upload: bool | None = None
    data_share_path: str | None = None
    data_action: str | None = None
    data_omit: str | None = None
    data_writable: bool | None = None
    model_local: str | None = None
    model_upload: bool | None = None
    model_share_path: str | None = None
    model_action: str | None = None
    model_omit: str | None = None
    model_writable: bool | None = None

    def given(self) -> dict[str, Any]:
        """The options that were given, by attribute."""
        values = {option.field: getattr(self, option.field) for option in RUN_OPTIONS}
        return {
            name: value
            for name, value in values.items()
            if value is not None and value is not False and value != {}
        }

    def overrides(self) -> dict[str, object]:
        """The configuration layer that these options make. Raises UsageError."""
        if self.maximize and self.minimize:
            raise UsageError("--maximize and --minimize together", "give one of them")
        layer: dict[str, object] = {}
        for option in RUN_OPTIONS:
            given: Any = getattr(self, option.field)
            if option.setting is not None and given is not None and given is not False:
                layer[option.setting] = option.value if option.kind is Kind.FLAG else given
        if self.retry_exit_codes is not None:
            layer["hyperparameter-search.retry-exit-codes"] = self.retry_exit_codes.split(",")
        if self.early_stopping is not None:
            from xt_core.search.stopping import parse_stopping_option

            layer |= parse_stopping_option(self.early_stopping)
        return layer


def request_from_texts(command: str, texts: Mapping[str, str | bool]) -> RunRequest:
    """A request as a form gives it: a shell-like command line, and each option's text (an empty
    one: not given). Raises UsageError that names the option."""
    from xt_core.submit.command import shell_words

    try:
        request = RunRequest(command=shell_words(command))
    except ValueError as error:
        raise UsageError(f"the command has {str(error).lower()}", "close the quote") from error
    for option in RUN_OPTIONS:
        given = texts.get(option.name, "")
        if given not in ("", False):
            setattr(request, option.field, _typed(option, given))
    return request


def texts_of(request: RunRequest) -> dict[str, str | bool]:
    """The options of a request as a form has them; the inverse of `request_from_texts`."""
    given = request.given()
    return {
        option.name: _written(option, given[option.field])
        for option in RUN_OPTIONS
        if option.field in given
    }


def _written(option: RunOption, value: Any) -> str | bool:
    if option.kind is Kind.FLAG:
        return bool(value)
    if option.kind is Kind.PAIRS:
        return shlex.join("=".join(pair) for pair in value.items())
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _typed(option: RunOption, given: str | bool) -> object:
    if isinstance(given, bool):
        return given
    if option.kind is Kind.PAIRS:
        return dict(parse_pair(text) for text in shlex.split(given))
    kinds = {Kind.NUMBER: int, Kind.AMOUNT: float}
    if option.kind not in kinds:
        return given
    try:
        return kinds[option.kind](given)
    except ValueError:
        raise UsageError(f"--{option.name} {given} is not a number") from None


def parse_pair(text: str) -> tuple[str, str]:
    """``NAME=VALUE``. Raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--env {text} is not NAME=VALUE", "as in --env OMP_NUM_THREADS=1")
    return name, value


def command_line(request: RunRequest) -> str:
    """The `xt run` command that makes this request."""
    words = ["xt", "run"]
    for option in RUN_OPTIONS:
        given = getattr(request, option.field)
        if option.kind is Kind.PAIRS:
            words += [
                word for pair in given.items() for word in (f"--{option.name}", "=".join(pair))
            ]
        elif option.kind is Kind.FLAG and given:
            words.append(f"--{option.name}")
        elif given is not None and option.kind is not Kind.FLAG:
            words += [f"--{option.name}", str(_written(option, given))]
    return shlex.join([*words, *request.command])
