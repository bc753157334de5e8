"""The MRC (multi-run configuration): everything a node needs to run its part of a job.

It is written once, at submission, to ``WS/jobs/JOB/mrc.json``, and holds no secrets.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from xt_core.errors import UnavailableError
from xt_core.model.states import SearchStyle
from xt_core.shares.use import ShareUse
from xt_core.submit.environments import EnvironmentSpec
from xt_core.submit.plan import Plan, make_plan

MRC_VERSION = 5
_READABLE_VERSIONS = (1, 2, 3, 4, 5)
"""What older versions lack has its default."""


@dataclass
class NodeContext:
    """What one node runs, and how. Paths are relative to the run's working copy of the code."""

    run: str
    """The single run, or the parent run from which the node's children are created."""
    code: str | None = None
    """Artifact key of the code snapshot."""
    code_digest: str = ""
    working_dir: str = "."
    environment: EnvironmentSpec | None = None
    """What is built on the node, once, before the first run."""
    activate: str | None = None
    """A shell command that prepares each run, in that environment."""
    parent_script: list[str] | None = None
    """Run once on the node before the first child."""
    env: dict[str, str] = field(default_factory=dict)
    """The job's own variables (`--env`)."""
    shell_env: dict[str, str] = field(default_factory=dict)
    """The submitting shell's PATH, virtual environment and the like."""
    after_dirs: list[str] = field(default_factory=list)
    after_omit: list[str] = field(default_factory=list)
    mirror_files: list[str] = field(default_factory=list)
    grace_seconds: float = 10.0
    resume_name: str = ""
    generated_config: str | None = None
    """The file in the working directory that each run's hyperparameters are written to."""
    retries: int = 0
    retry_exit_codes: list[int] = field(default_factory=list)
    shares: dict[str, ShareUse] = field(default_factory=dict)
    """What the runs find in XT_DATA_DIR ("data") and XT_MODEL_DIR ("model")."""

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "NodeContext":
        """The inverse of `asdict`. Raises TypeError for what this version does not know."""
        shares = {kind: ShareUse(**use) for kind, use in content.get("shares", {}).items()}
        environment = content.get("environment")
        spec = None if environment is None else EnvironmentSpec(**environment)
        return cls(**(content | {"shares": shares, "environment": spec}))


@dataclass
class Asked:
    """What the user asked for, as it was typed: it can be asked for again."""

    folder: str
    """Where: the script and the files that options name are found from there."""
    command: list[str]
    options: dict[str, Any]
    """The options that were given, by their names as attributes of `RunRequest`."""
    commands: list[list[str]] = field(default_factory=list)
    """The listed commands of a job that has many."""


@dataclass
class MultiRunConfig:
    """The MRC of a job."""

    job: str
    workspace: str
    experiment: str
    style: str
    username: str
    target: str
    concurrent: int
    commands: list[list[str]]
    """Argument lists; a search parameter stands in brackets. An item's command is
    ``run_index`` modulo their number."""
    search: dict[str, Any]
    """Keyword arguments of `make_plan`: the plan is a pure function of them."""
    nodes: dict[str, NodeContext]
    schedule: str = "static"
    learn_from: str = "job"
    """Whose runs a dynamic search learns from: "job" or "experiment"."""
    stopping: dict[str, Any] = field(default_factory=dict)
    """The `early-stopping` settings."""
    max_minutes: float | None = None
    lease_seconds: float = 60.0
    asked: Asked | None = None
    """None in MRCs up to version 3."""
    rerun_of: str = ""
    """The run or job that it was made from; see `Job`."""
    version: int = MRC_VERSION

    @property
    def option_prefix(self) -> str | None:
        """What the options of its scripts begin with; None if they have none."""
        prefix: str | None = self.search.get("option_prefix", "--")
        return prefix

    def plan(self) -> Plan:
        """What each work item runs."""
        if self.style == SearchStyle.MULTI:
            return make_plan([], multi_commands=self.commands, **self.search)
        return make_plan(self.commands[0], multi_commands=None, **self.search)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "MultiRunConfig":
        """Raises UnavailableError where the text is no MRC this version can read."""
        try:
            data = json.loads(text)
            version = data["version"]
            if version in _READABLE_VERSIONS:
                nodes = {name: NodeContext.from_dict(each) for name, each in data["nodes"].items()}
                asked = Asked(**data["asked"]) if data.get("asked") else None
                return cls(**(data | {"nodes": nodes, "asked": asked}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnavailableError(
                f"the job's MRC is damaged: {error}", "submit it again"
            ) from error
        raise UnavailableError(
            f"the job's MRC has version {version}, this XT reads {MRC_VERSION}", "upgrade XT"
        )


def shown_command(argv: Sequence[str]) -> str:
    """A command as a shell would take it; bytes that are not UTF-8 are shown escaped."""
    return shlex.join(argv).encode("utf-8", "backslashreplace").decode()


def mrc_key(workspace: str, job: str) -> str:
    """The artifact key of a job's MRC."""
    return f"{workspace}/jobs/{job}/mrc.json"
