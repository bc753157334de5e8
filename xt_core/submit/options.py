"""The options of a submission, declared once: the command line, the form and the docs use this."""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from xt_core.errors import UsageError


class Kind(StrEnum):
    """How an option's value is written."""

    TEXT = "text"
    NUMBER = "number"
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
        ("grid", "random"),
        "hyperparameter-search.search-type",
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
        "the metric that tells which run is best",
        "NAME",
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
    RunOption("multi-commands", Kind.FILE, "a file of commands, one a line", "FILE", "Search"),
    RunOption("raw-args", Kind.FLAG, "brackets in arguments are no search", "", "Search"),
    RunOption("target", Kind.TEXT, "compute target", "NAME", setting="xt-services.target"),
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
        Kind.NUMBER,
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
)


@dataclass
class RunRequest:
    """What a user asked for: the command, and the options that were given (None: not given)."""

    command: list[str] = field(default_factory=list)
    runs: int | None = None
    max_runs: int | None = None
    search_type: str | None = None
    concurrent: int | None = None
    seed: int | None = None
    primary_metric: str | None = None
    maximize: bool | None = None
    minimize: bool | None = None
    multi_commands: str | None = None
    raw_args: bool | None = None
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

    def overrides(self) -> dict[str, object]:
        """The configuration layer that these options make. Raises UsageError."""
        if self.maximize and self.minimize:
            raise UsageError("--maximize and --minimize together", "give one of them")
        layer: dict[str, object] = {}
        for option in RUN_OPTIONS:
            given: Any = getattr(self, option.field)
            if option.setting is not None and given is not None and given is not False:
                layer[option.setting] = option.value if option.kind is Kind.FLAG else given
        return layer


def request_fields() -> set[str]:
    """The names of `RunRequest`'s options."""
    return {each.name for each in fields(RunRequest)} - {"command"}
