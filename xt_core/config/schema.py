"""The one declaration of XT's configuration: sections, properties, types, defaults and help.

Defaults are Python data, so a configuration without files needs no YAML parser. Files, environment,
options, the template and the typed lookups all derive from `SCHEMA`; nothing else knows a default.
"""

import re
from collections.abc import Iterator

from xt_core.config.properties import Keys, Kind, Property, Section, Setting, Table
from xt_core.config.share_sections import share_section
from xt_core.identity.ways import KINDS
from xt_core.model.names import WORKSPACE_NAME
from xt_core.query.columns import DEFAULT_JOB_COLUMNS, DEFAULT_RUN_COLUMNS
from xt_core.tensorboard.names import TEMPLATE, TEMPLATE_HELP

_NOT_BLANK = re.compile(r"\s*\S.*", re.DOTALL)
_ACTION_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _text(
    default: str | None, text: str, *, env: str | None = None, option: str | None = None
) -> Property:
    """A text that is not blank; null is allowed where it is the default."""
    return Property(
        Kind.STRING,
        default,
        text,
        env=env,
        option=option,
        nullable=default is None,
        pattern=_NOT_BLANK,
        pattern_help="some text",
    )


def _flag(
    default: bool, text: str, *, env: str | None = None, option: str | None = None
) -> Property:
    return Property(Kind.BOOLEAN, default, text, env=env, option=option)


def _count(default: int | None, text: str, *, least: int = 1, env: str | None = None) -> Property:
    """A whole number; null is allowed where it is the default."""
    return Property(
        Kind.INTEGER, default, text, env=env, nullable=default is None, minimum=float(least)
    )


def _amount(
    default: float, text: str, *, env: str | None = None, option: str | None = None
) -> Property:
    return Property(Kind.NUMBER, default, text, env=env, option=option, minimum=0.0)


def _level(text: str, *, least: float | None = None) -> Property:
    """A number that is null unless it is set."""
    return Property(Kind.NUMBER, None, text, nullable=True, minimum=least)


def _list(default: list[str], text: str, *, env: str | None = None) -> Property:
    return Property(Kind.STRINGS, default, text, env=env)


_GENERAL = Section(
    "What every job shares.",
    {
        "workspace": Property(
            Kind.STRING,
            "ws1",
            "The workspace that new runs belong to.",
            env="XT_WORKSPACE",
            pattern=WORKSPACE_NAME,
            pattern_help="2 to 63 letters, digits, '-' and '_' that begin with a letter or digit",
        ),
        "experiment": _text("exper1", "The label of new jobs and their runs.", env="XT_EXPERIMENT"),
        "primary-metric": _text(
            "test-acc", "The metric that searches and reports go by.", env="XT_PRIMARY_METRIC"
        ),
        "maximize-metric": _flag(
            True,
            "Whether a larger primary metric is better.",
            env="XT_MAXIMIZE_METRIC",
            option="maximize",
        ),
        "username": _text("$username", "The owner of new jobs; $username is the login name."),
        "env-vars": Property(
            Kind.MAPPING,
            None,
            "Environment variables of every run.",
            option="env",
            pattern=_VARIABLE_NAME,
            pattern_help="letters, digits and '_' that do not begin with a digit",
        ),
        "xt-team-name": _text(
            None,
            "The team whose services are used; with null that of xt-services, or the local one.",
            env="XT_TEAM",
            option="team",
        ),
        "authentication": Property(
            Kind.STRING,
            "auto",
            "How to sign in to services that need it; auto goes by the situation.",
            env="XT_AUTHENTICATION",
            choices=KINDS,
        ),
        "ssh-config": _text(
            None,
            "The file that OpenSSH's settings come from, in place of ~/.ssh/config and those of "
            "the system.",
            env="XT_SSH_CONFIG",
        ),
        "grace-seconds": _amount(
            10.0,
            "Seconds that a cancelled run has to end by itself.",
            env="XT_GRACE_SECONDS",
            option="grace",
        ),
    },
)

_CODE = Section(
    "The snapshot of the code that a job takes along.",
    {
        "code-dirs": _list(
            ["$scriptdir/**"], "What to take; $scriptdir is the folder of the script."
        ),
        "code-omit": _list(
            [
                ".git",
                "__pycache__",
                ".venv",
                "node_modules",
                "*.pyc",
                ".mypy_cache",
                ".pytest_cache",
                ".ruff_cache",
            ],
            "Names and patterns of files and folders to leave out.",
        ),
        "code-upload": _flag(True, "Whether to take a snapshot at all.", env="XT_CODE_UPLOAD"),
        "working-dir": _text(".", "The folder within the snapshot in which runs start."),
        "max-file-mb": _amount(100.0, "The largest file of a snapshot, in megabytes."),
        "max-total-mb": _amount(1000.0, "The largest snapshot, in megabytes."),
    },
)

_AFTER_FILES = Section(
    "The files that are kept when a run has ended.",
    {
        "after-dirs": _list(["output/**"], "What to keep, within the run's folder."),
        "after-omit": _list([], "Names and patterns of files and folders to leave out."),
        "after-upload": _flag(True, "Whether to keep anything.", env="XT_AFTER_UPLOAD"),
    },
)

_LOGGING = Section(
    "The files that are kept while a run goes on.",
    {
        "mirror-files": Property(
            Kind.STRINGS,
            ["logs/**"],
            "What to mirror, within the run's folder: a pattern, a list, or null for nothing.",
            env="XT_MIRROR_FILES",
            single=True,
        ),
        "sample-seconds": _amount(
            5.0,
            "How often controllers look at what runs and machines use, in seconds; 0 for never. "
            "For nodes of this machine in ~/.xt/config.yaml, when their controllers start.",
            env="XT_SAMPLE_SECONDS",
        ),
    },
)

_TENSORBOARD = Section(
    "How `xt tensorboard` writes runs.",
    {
        "template": Property(
            Kind.STRING,
            "{workspace}/{run}",
            "The log folder of each run, with the fields {workspace}, {experiment}, {job}, {run} "
            "and hyperparameters, as in {hparams.lr}.",
            pattern=TEMPLATE,
            pattern_help=TEMPLATE_HELP,
        ),
    },
)

_SEARCH = Section(
    "Hyperparameter search.",
    {
        "search-type": Property(
            Kind.STRING,
            None,
            "How values are chosen; with null XT decides by the search space.",
            env="XT_SEARCH_TYPE",
            nullable=True,
            choices=("grid", "random", "tpe", "bayesian", "gp", "cmaes", "qmc", "nsga2", "dgd"),
        ),
        "search-style": Property(
            Kind.STRING,
            None,
            "When sets are chosen: before submission (static) or when their runs start (dynamic); "
            "with null static for grid and random, dynamic for the others.",
            nullable=True,
            choices=("static", "dynamic"),
        ),
        "hp-config": _text(None, "A YAML or JSON file whose `hparams` are searched."),
        "option-prefix": Property(
            Kind.STRING,
            "--",
            "What stands before a hyperparameter's name in the run's command; with null the "
            "command has no hyperparameters.",
            nullable=True,
        ),
        "fn-generated-config": _text(
            None, "A YAML or JSON file of each run that its hyperparameters are written to."
        ),
        "schedule": Property(
            Kind.STRING,
            None,
            "Which node does which run: dealt out beforehand (static) or whoever is free "
            "(dynamic); with null dynamic where there are several nodes.",
            nullable=True,
            choices=("static", "dynamic"),
        ),
        "aggregate-dest": Property(
            Kind.STRING,
            "job",
            "Whose runs a search learns from: its own job's or all of the experiment.",
            choices=("job", "experiment"),
        ),
        "max-minutes": Property(
            Kind.NUMBER,
            None,
            "Minutes after its submission at which a job is cancelled.",
            nullable=True,
            minimum=0.0,
        ),
        "retries": _count(0, "How often a run that failed is started again.", least=0),
        "retry-exit-codes": _list(
            [], "The exit codes after which a run is started again; with none, all but 0."
        ),
        "lease-seconds": _amount(
            60.0, "Seconds without a sign of life after which a node's work is handed on."
        ),
        "concurrent": _count(1, "How many runs a node runs at once.", env="XT_CONCURRENT"),
        "max-runs": _count(None, "The most runs of a search.", env="XT_MAX_RUNS"),
        "seed": _count(
            None, "The seed of the search; with null XT draws one.", least=0, env="XT_SEED"
        ),
    },
)

_EARLY_STOPPING = Section(
    "When a run of a search is stopped before its end; steps are those that it logs.",
    {
        "early-policy": Property(
            Kind.STRING,
            "none",
            "What stops a run.",
            env="XT_EARLY_POLICY",
            choices=(
                "none",
                "median",
                "percentile",
                "truncation",
                "bandit",
                "asha",
                "hyperband",
                "threshold",
                "patience",
            ),
        ),
        "delay-evaluation": _amount(0.0, "No run is judged before this step."),
        "evaluation-interval": _level(
            "Runs are judged at multiples of so many steps; with null at each value that they log "
            "(asha and hyperband: at their own steps).",
            least=0.0,
        ),
        "min-runs": _count(
            None,
            "No run is judged before so many others have reached its step; null is 5 for median "
            "and percentile, 1 for truncation and bandit, 0 for asha and hyperband.",
            least=0,
        ),
        "percentile": _amount(
            25.0,
            "With percentile: the percentage of the runs, the best ones, with which one keeps up.",
        ),
        "truncation-percentage": _amount(
            20.0, "With truncation: the percentage of the running runs, the worst ones, to stop."
        ),
        "slack-factor": _level(
            "With bandit: how far from the best run one may be, as a share of its value.", least=0.0
        ),
        "slack-amount": _level(
            "With bandit: how far from the best run one may be, in units of the metric.", least=0.0
        ),
        "reduction-factor": _count(
            3,
            "With asha and hyperband: one run of so many goes on, for so many times the steps.",
            least=2,
        ),
        "min-steps": _amount(
            1.0, "With asha and hyperband: the first step at which runs are judged."
        ),
        "max-steps": _level(
            "With asha and hyperband: the last step of a whole run; hyperband needs it.", least=0.0
        ),
        "lower": _level("With threshold: the least value that goes on; with null there is none."),
        "upper": _level("With threshold: the largest value that goes on; with null there is none."),
        "patience": _count(10, "With patience: how many values in a row may be no improvement."),
        "min-delta": _amount(0.0, "With patience: the least difference that is an improvement."),
    },
)

_COMPUTE_TARGETS = Table(
    "Where jobs run, by name.",
    {
        "service": Property(
            Kind.STRING,
            "local",
            "What runs the nodes: this machine, or a pool of boxes.",
            choices=("local", "pool"),
        ),
        "boxes": _list([], "The boxes of a pool, each a node; local is this machine."),
        "nodes": _count(None, "How many nodes a job uses; with null one, or each box of a pool."),
        "setup": _text(None, "The name of the setup that prepares each node."),
    },
    predefined=("local",),
)

_SETUPS = Table(
    "How a node is prepared for runs, by name.",
    {
        "activate": _text(
            None,
            "A shell command that prepares each run, in the setup's environment if it has one.",
        ),
        "python": _text(
            None, "The Python of its environment: a version, as 3.12, or a path on the node."
        ),
        "conda-packages": _list([], "Packages to install with conda, mamba or micromamba."),
        "conda-channels": _list(["conda-forge"], "Where conda takes packages from."),
        "pip-packages": _list([], "Packages to install with uv or pip, as in requirements files."),
        "requirements": _list(
            [],
            "Requirements and lock files (as uv.lock), found from the folder of xt_config.yaml.",
        ),
    },
)

_BOXES = Table(
    "The machines that are nodes, by name; `local` is this one.",
    {
        "address": _text(
            None,
            "Where it is reached by SSH: HOST, USER@HOST or USER@HOST:PORT; HOST may be one of "
            "~/.ssh/config, whose settings count.",
        ),
        "port": Property(
            Kind.INTEGER,
            None,
            "The port of its sshd, where the address names none; with null OpenSSH's "
            "configuration decides.",
            nullable=True,
            minimum=1.0,
        ),
        "os": Property(Kind.STRING, "linux", "Its operating system.", choices=("linux", "macos")),
        "setup": _text(None, "The name of the setup that prepares it."),
        "actions": _list(
            ["data", "model"], "Which of a job's shares its runs have there: data, model."
        ),
        "max-runs": _count(None, "How many runs it runs at once, over all jobs."),
        "gpus": _text(
            None, "The ids of the GPUs that runs share, as in 0,1; with null XT detects them."
        ),
    },
    predefined=("local",),
)

_EXTERNAL_SERVICES = Table(
    "The services that teams use, by name. A text may be $env:NAME, a variable of the environment, "
    "or $vault, a secret of the team's vault that is named as the service ($vault:NAME: another).",
    {
        "type": Property(
            Kind.STRING, "storage", "What it keeps.", choices=("storage", "mongo", "vault")
        ),
        "provider": Property(
            Kind.STRING,
            "directory",
            "Of a storage: a folder that all nodes see, or Azure Blob storage.",
            choices=("directory", "azure-blob"),
        ),
        "path": _text(None, "Of a directory: the folder; each team has one of its own in it."),
        "connection-string": _text(
            None, "Of an azure-blob: as the portal shows it at the storage account's keys."
        ),
        "account-url": _text(
            None,
            "Of an azure-blob, in place of a connection string: https://ACCOUNT.blob.core.windows"
            ".net, reached by the user's sign-in.",
        ),
        "container": _text(None, "Of an azure-blob: the container; with null one named xt-TEAM."),
        "mongo-connection-string": _text(
            None, "Of a mongo: as in mongodb://host:27017/?replicaSet=rs0."
        ),
        "database": _text(None, "Of a mongo: the database; with null one named xt-TEAM."),
        "url": _text(None, "Of a vault: as in https://NAME.vault.azure.net."),
    },
)

_ROLES = {
    "storage": _text(None, "The service that keeps artifacts; with null a folder of this machine."),
    "mongo": _text(None, "The service that keeps stats; with null a file of this machine."),
    "vault": _text(None, "The service that keeps the secrets of the others."),
}

_TEAMS = Table("The teams, by name, each with its services.", _ROLES)

_XT_SERVICES = Section(
    "The services of the team that has no name.",
    _ROLES | {"target": _text("local", "The compute target of new jobs.", env="XT_TARGET")},
)


def _report_section(what: str, columns: str) -> Section:
    return Section(
        f"How `xt list {what}` reports.",
        {
            "last": _count(10, f"How many {what} to show."),
            "columns": _list(columns.split(","), "The columns, in order; * stands for every name."),
            "sort": _text("name", "The column to sort by."),
            "reverse": _flag(False, "Whether to sort downwards."),
            "group": _text(None, "The column for each of whose values there is a table."),
            "status": _list([], f"The states of the {what} to show; with none all."),
            "max-width": _count(30, "The widest column, in characters.", least=4),
            "precision": _count(3, "The decimals of numbers.", least=0),
        },
    )


_TUI = Section(
    "The terminal UI.",
    {
        "keys": Property(
            Kind.MAPPING,
            None,
            "Keys of your own, by action, as in cancel: ctrl+x; `xt keys` lists actions and keys.",
            pattern=_ACTION_NAME,
            pattern_help="an action as `xt keys` lists them",
        ),
        "theme": _text(
            None, "The theme, as xt-dark or xt-light; with null the one that was chosen last."
        ),
        "read-only": _flag(False, "Whether nothing can be changed.", env="XT_READ_ONLY"),
        "ascii": _flag(False, "Whether nothing but ASCII characters is drawn."),
    },
)


SCHEMA: dict[str, Section | Table | Property] = {
    "general": _GENERAL,
    "code": _CODE,
    "after-files": _AFTER_FILES,
    "data": share_section("data", "data"),
    "model": share_section("model", "models"),
    "logging": _LOGGING,
    "tensorboard": _TENSORBOARD,
    "hyperparameter-search": _SEARCH,
    "early-stopping": _EARLY_STOPPING,
    "compute-targets": _COMPUTE_TARGETS,
    "setups": _SETUPS,
    "boxes": _BOXES,
    "external-services": _EXTERNAL_SERVICES,
    "xt-services": _XT_SERVICES,
    "teams": _TEAMS,
    "run-reports": _report_section("runs", DEFAULT_RUN_COLUMNS),
    "job-reports": _report_section("jobs", DEFAULT_JOB_COLUMNS),
    "tui": _TUI,
    "commands": Property(Kind.STRINGS, [], "The commands of a multi-command job.", separator="\n"),
}


def properties() -> Iterator[tuple[Keys, Property]]:
    """Every property that has one fixed place: all but those of table entries."""
    for name, section in SCHEMA.items():
        if isinstance(section, Property):
            yield (name,), section
        elif isinstance(section, Section):
            for property_name, declared in section.properties.items():
                yield (name, property_name), declared


def defaults() -> Iterator[Setting]:
    """The lowest layer."""
    for keys, declared in properties():
        if declared.kind is not Kind.MAPPING:
            yield Setting(keys, declared.default)
    for name, section in SCHEMA.items():
        if isinstance(section, Table):
            for entry in section.predefined:
                yield Setting((name, entry))
