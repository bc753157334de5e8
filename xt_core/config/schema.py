"""The one declaration of XT's configuration: sections, properties, types, defaults and help.

Defaults are Python data, so a configuration without files needs no YAML parser. Files, environment,
options, the template and the typed lookups all derive from `SCHEMA`; nothing else knows a default.
"""

import re
from collections.abc import Iterator

from xt_core.config.forms import amount, count, flag, text, texts
from xt_core.config.properties import Keys, Kind, Property, Section, Setting, Table
from xt_core.config.search_sections import EARLY_STOPPING, SEARCH
from xt_core.config.share_sections import share_section
from xt_core.identity.ways import KINDS
from xt_core.model.names import WORKSPACE_NAME
from xt_core.query.columns import DEFAULT_JOB_COLUMNS, DEFAULT_RUN_COLUMNS
from xt_core.tensorboard.names import TEMPLATE, TEMPLATE_HELP

_ACTION_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
        "experiment": text("exper1", "The label of new jobs and their runs.", env="XT_EXPERIMENT"),
        "primary-metric": text(
            "test-acc", "The metric that searches and reports go by.", env="XT_PRIMARY_METRIC"
        ),
        "maximize-metric": flag(
            True,
            "Whether a larger primary metric is better; where nothing says so, less of a loss or "
            "an error is.",
            env="XT_MAXIMIZE_METRIC",
            option="maximize",
        ),
        "username": text("$username", "The owner of new jobs; $username is the login name."),
        "env-vars": Property(
            Kind.MAPPING,
            None,
            "Environment variables of every run.",
            option="env",
            pattern=_VARIABLE_NAME,
            pattern_help="letters, digits and '_' that do not begin with a digit",
        ),
        "xt-team-name": text(
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
        "ssh-config": text(
            None,
            "The file that OpenSSH's settings come from, in place of ~/.ssh/config and those of "
            "the system.",
            env="XT_SSH_CONFIG",
        ),
        "grace-seconds": amount(
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
        "code-dirs": texts(
            ["$scriptdir/**"], "What to take; $scriptdir is the folder of the script."
        ),
        "code-omit": texts(
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
        "code-upload": flag(True, "Whether to take a snapshot at all.", env="XT_CODE_UPLOAD"),
        "working-dir": text(".", "The folder within the snapshot in which runs start."),
        "max-file-mb": amount(100.0, "The largest file of a snapshot, in megabytes."),
        "max-total-mb": amount(1000.0, "The largest snapshot, in megabytes."),
    },
)

_AFTER_FILES = Section(
    "The files that are kept when a run has ended.",
    {
        "after-dirs": texts(["output/**"], "What to keep, within the run's folder."),
        "after-omit": texts([], "Names and patterns of files and folders to leave out."),
        "after-upload": flag(True, "Whether to keep anything.", env="XT_AFTER_UPLOAD"),
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
        "sample-seconds": amount(
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

_COMPUTE_TARGETS = Table(
    "Where jobs run, by name.",
    {
        "service": Property(
            Kind.STRING,
            "local",
            "What runs the nodes: this machine, or a pool of boxes.",
            choices=("local", "pool"),
        ),
        "boxes": texts([], "The boxes of a pool, each a node; local is this machine."),
        "nodes": count(None, "How many nodes a job uses; with null one, or each box of a pool."),
        "setup": text(None, "The name of the setup that prepares each node."),
    },
    predefined=("local",),
)

_SETUPS = Table(
    "How a node is prepared for runs, by name.",
    {
        "activate": text(
            None,
            "A shell command that prepares each run, in the setup's environment if it has one.",
        ),
        "python": text(
            None, "The Python of its environment: a version, as 3.12, or a path on the node."
        ),
        "conda-packages": texts([], "Packages to install with conda, mamba or micromamba."),
        "conda-channels": texts(["conda-forge"], "Where conda takes packages from."),
        "pip-packages": texts([], "Packages to install with uv or pip, as in requirements files."),
        "requirements": texts(
            [],
            "Requirements and lock files (as uv.lock), found from the folder of xt_config.yaml.",
        ),
    },
)

_BOXES = Table(
    "The machines that are nodes, by name; `local` is this one.",
    {
        "address": text(
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
        "setup": text(None, "The name of the setup that prepares it."),
        "actions": texts(
            ["data", "model"], "Which of a job's shares its runs have there: data, model."
        ),
        "max-runs": count(None, "How many runs it runs at once, over all jobs."),
        "gpus": text(
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
        "path": text(None, "Of a directory: the folder; each team has one of its own in it."),
        "connection-string": text(
            None, "Of an azure-blob: as the portal shows it at the storage account's keys."
        ),
        "account-url": text(
            None,
            "Of an azure-blob, in place of a connection string: https://ACCOUNT.blob.core.windows"
            ".net, reached by the user's sign-in.",
        ),
        "container": text(None, "Of an azure-blob: the container; with null one named xt-TEAM."),
        "mongo-connection-string": text(
            None, "Of a mongo: as in mongodb://host:27017/?replicaSet=rs0."
        ),
        "database": text(None, "Of a mongo: the database; with null one named xt-TEAM."),
        "url": text(None, "Of a vault: as in https://NAME.vault.azure.net."),
    },
)

_ROLES = {
    "storage": text(None, "The service that keeps artifacts; with null a folder of this machine."),
    "mongo": text(None, "The service that keeps stats; with null a file of this machine."),
    "vault": text(None, "The service that keeps the secrets of the others."),
}

_TEAMS = Table("The teams, by name, each with its services.", _ROLES)

_XT_SERVICES = Section(
    "The services of the team that has no name.",
    _ROLES | {"target": text("local", "The compute target of new jobs.", env="XT_TARGET")},
)


def _report_section(what: str, columns: str) -> Section:
    return Section(
        f"How `xt list {what}` reports.",
        {
            "last": count(10, f"How many {what} to show."),
            "columns": texts(columns.split(","), "The columns, in order; * stands for every name."),
            "sort": text("name", "The column to sort by."),
            "reverse": flag(False, "Whether to sort downwards."),
            "group": text(None, "The column for each of whose values there is a table."),
            "status": texts([], f"The states of the {what} to show; with none all."),
            "max-width": count(30, "The widest column, in characters.", least=4),
            "precision": count(3, "The decimals of numbers.", least=0),
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
        "theme": text(
            None, "The theme, as xt-dark or xt-light; with null the one that was chosen last."
        ),
        "read-only": flag(False, "Whether nothing can be changed.", env="XT_READ_ONLY"),
        "ascii": flag(False, "Whether nothing but ASCII characters is drawn."),
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
    "hyperparameter-search": SEARCH,
    "early-stopping": EARLY_STOPPING,
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
