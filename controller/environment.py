"""The environment that a run's process sees: nothing secret, and the variables of the contract."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from controller.rundir import RunDirectory
from xt_core.bootstrap.place import run_library
from xt_core.model.encoding import dumps
from xt_core.model.records import Run, Value
from xt_core.submit.mrc import MultiRunConfig, NodeContext

_WITHHELD_PREFIXES = ("XT_", "AZURE_STORAGE_")
_WITHHELD = frozenset(
    {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD"}
)


def inherited(environ: dict[str, str]) -> dict[str, str]:
    """The node's environment without what belongs to XT or opens the team's services."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_WITHHELD_PREFIXES) and name not in _WITHHELD
    }


def run_environment(
    node_environ: dict[str, str],
    mrc: MultiRunConfig,
    context: NodeContext,
    run: Run,
    node_name: str,
    folder: RunDirectory,
    gpus: Iterable[str] | None,
    hparams: Mapping[str, Value],
    data: Path,
    models: Path,
) -> dict[str, str]:
    """Everything the process gets; later layers win: node, shell, XT, GPUs, the job's own."""
    ours = {
        "XT_CONTROLLER": "1",
        "XT_WORKSPACE_NAME": run.workspace,
        "XT_EXPERIMENT_NAME": run.experiment,
        "XT_JOB_ID": run.job,
        "XT_RUN_NAME": run.name,
        "XT_RUN_INDEX": str(run.run_index or 0),
        "XT_NODE_ID": node_name,
        "XT_NODE_INDEX": str(list(mrc.nodes).index(node_name)),
        "XT_USERNAME": mrc.username,
        "XT_TARGET_FILE": _target_file(mrc, run),
        "XT_RESUME_NAME": context.resume_name,
        "XT_RESTARTS": str(run.restarts),
        "XT_OUTPUT_DIR": str(folder.output),
        "XT_DATA_DIR": str(data),
        "XT_MODEL_DIR": str(models),
        "XT_JOURNAL": str(folder.journal),
        "XT_HPARAMS": dumps(dict(hparams)),
        "XT_JOB_SEED": str(mrc.search.get("seed", 0)),
    }
    gpu_variables = {} if gpus is None else {"CUDA_VISIBLE_DEVICES": ",".join(gpus)}
    env = inherited(node_environ) | context.shell_env | ours | gpu_variables | context.env
    return _with_library(env)


def _with_library(env: dict[str, str]) -> dict[str, str]:
    """`xt_core` can be imported, last of all where the run has one of its own: on a machine that
    XT was brought to, the environments of runs do not have it."""
    library = run_library()
    if library is None:
        return env
    return env | {"PYTHONPATH": os.pathsep.join(filter(None, (env.get("PYTHONPATH"), library)))}


def _target_file(mrc: MultiRunConfig, run: Run) -> str:
    """The script of the run's command, by its name in the snapshot."""
    index = run.run_index or 0
    command = mrc.commands[index % len(mrc.commands)] if mrc.commands else []
    scripts = [part for part in command[:3] if Path(part).suffix in (".py", ".sh")]
    return next(iter(scripts + command), "")
