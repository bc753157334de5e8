"""What a submission decides about its search, from the request and the configuration.

Invariant: what is returned is checked, so that nothing of it fails later on a node.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from xt_core.errors import UsageError
from xt_core.model.records import Objective
from xt_core.model.states import Schedule, SearchStyle
from xt_core.query.formats import counted
from xt_core.reports.direction import is_an_error
from xt_core.search.objectives import parse_objectives
from xt_core.search.space import Space
from xt_core.search.static import GRID, RANDOM
from xt_core.session import Session
from xt_core.submit.command import find_search_options
from xt_core.submit.options import RunRequest
from xt_core.submit.placement import Placement
from xt_core.submit.plan import Plan

_SECTION = "hyperparameter-search"
_MAXIMIZE = "general.maximize-metric"
_SLACKS = ("slack-factor", "slack-amount")
"""Two ways to say one thing."""


def plan_arguments(session: Session, request: RunRequest, argv: list[str]) -> dict[str, Any]:
    """The keyword arguments of `make_plan` but the commands; `argv` is the first command."""
    config = session.config
    prefix = config.optional_string(f"{_SECTION}.option-prefix")
    hp_space = None if request.raw_args else _file_space(session)
    searched = bool(hp_space) or (
        not request.raw_args and bool(find_search_options(argv, prefix).space)
    )
    search_type = request.search_type
    if search_type is None and searched:  # of no meaning for a job that searches nothing
        search_type = config.optional_string(f"{_SECTION}.search-type")
    return {
        "search_style": config.optional_string(f"{_SECTION}.search-style"),
        "runs": request.runs,
        "max_runs": config.optional_integer(f"{_SECTION}.max-runs"),
        "search_type": search_type,
        "seed": _seed(session),
        "option_prefix": prefix,
        "raw_args": bool(request.raw_args),
        "hp_space": hp_space,
    }


def _file_space(session: Session) -> dict[str, Any] | None:
    """The space of the file that `hp-config` names, described."""
    name = session.config.optional_string(f"{_SECTION}.hp-config")
    if name is None:
        return None
    from xt_core.search.hpfile import load_space

    return load_space(session.cwd / name, name).describe()


def _seed(session: Session) -> int:
    given = session.config.optional_integer(f"{_SECTION}.seed")
    return random.SystemRandom().randrange(2**31) if given is None else given


def chosen_objectives(session: Session, plan: Plan) -> list[Objective]:
    """What the job goes by: where nobody says whether more or less of a metric is better, its
    name may. Raises UsageError where its algorithm cannot."""
    config = session.config
    wanted, is_unsaid = config.boolean(_MAXIMIZE), config.origin(_MAXIMIZE) == "default"
    objectives = parse_objectives(
        config.string("general.primary-metric"),
        lambda metric: wanted and not (is_unsaid and is_an_error(metric)),
    )
    if plan.style is SearchStyle.DYNAMIC and plan.template is not None and plan.search_type:
        from xt_core.search.spec import check_algorithm

        check_algorithm(plan.search_type, plan.template.space, len(objectives))
    return objectives


def chosen_schedule(session: Session, placement: Placement, plan: Plan) -> Schedule:
    """The schedule asked for; else whoever is free, where there are several nodes that can tell.

    Raises UsageError for a job whose machines would have to share a stats store, and do not.
    """
    text = session.config.optional_string(f"{_SECTION}.schedule")
    given = None if text is None else Schedule(text)
    if placement.machines > 1 and session.access.stats is None:
        is_search = plan.style is SearchStyle.DYNAMIC
        if is_search or given is Schedule.DYNAMIC:
            what = "search" if is_search else "schedule"
            raise UsageError(
                f"a dynamic {what} over {placement.machines} machines needs a stats store that all "
                f"of them reach, and the team {session.team.name} has none",
                "xt create team makes one that has; or --nodes 1"
                + ("" if is_search else ", or --schedule static"),
            )
        return Schedule.STATIC
    if given is not None:
        return given
    return Schedule.STATIC if len(placement.nodes) == 1 else Schedule.DYNAMIC


def repeat_doubts(space: Space | None, search_type: str | None, runs: int) -> list[str]:
    """That a grid has fewer sets than there are runs, so that some run again."""
    size = space.size if space and search_type == GRID else None
    if size is None or runs <= size:
        return []
    return [f"the grid has {counted(size, 'set')}: {runs - size:,} of {runs:,} runs repeat one"]


def size_doubts(plan: Plan, search: Mapping[str, Any]) -> list[str]:
    """That nobody said how many sets a random search has; `search` as of `plan_arguments`."""
    if plan.search_type != RANDOM or search["runs"] is not None or search["max_runs"] is not None:
        return []
    return [f"a search of {counted(plan.work_items, 'run')}: say how many, as in --runs 50"]


def goal_doubts(session: Session, objectives: Sequence[Objective]) -> list[str]:
    """Which metrics are minimised since their names say so, and nothing else does."""
    if session.config.origin(_MAXIMIZE) != "default":
        return []
    text = session.config.string("general.primary-metric")
    unsaid = {each.metric for each in parse_objectives(text, lambda _: True) if each.maximize}
    named = [each.metric for each in objectives if each.metric in unsaid and not each.maximize]
    return [f"{name} is minimised, as its name says; else write {name}:max" for name in named]


def metric_doubts(
    plan: Plan, defaults: Sequence[Objective], stopping: Mapping[str, Any]
) -> list[str]:
    """That a search goes by a metric that nobody chose, of those there are for that case."""
    from xt_core.search.spec import LEARNING

    learning = plan.search_type if plan.search_type in LEARNING else ""
    who = " and ".join(filter(None, [learning, "early stopping" if stopping else ""]))
    if not who or not defaults:
        return []
    goes = "go" if learning and stopping else "goes"
    names = ", ".join(each.metric for each in defaults)
    return [f"{who} {goes} by {names}, for want of a --primary-metric: is that what is logged?"]


def stopping_settings(session: Session, plan: Plan) -> dict[str, Any]:
    """The `early-stopping` settings of the job; empty if no policy is chosen or it is a single
    run. Raises ConfigError for settings that make no policy."""
    settings: dict[str, Any] = session.config.get("early-stopping")
    for slack, other in (_SLACKS, _SLACKS[::-1]):
        if session.config.origin(f"early-stopping.{slack}").startswith("option"):
            settings[other] = None  # what a file says of the other one is replaced
    if settings["early-policy"] == "none" or plan.style is SearchStyle.SINGLE:
        return {}
    from xt_core.search.stopping import policy_from_settings

    policy_from_settings(settings, True, 0)
    return settings


def exit_codes(session: Session) -> list[int]:
    """The exit codes after which a run is started again; empty for any but 0."""
    texts = session.config.strings(f"{_SECTION}.retry-exit-codes")
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise UsageError(
            f"--retry-exit-codes {','.join(texts)}: not all are whole numbers", "as in 1,137"
        ) from None


def generated_config(session: Session, plan: Plan) -> str | None:
    """The file that each run's hyperparameters are written to. Raises UsageError for one that
    could not hold them."""
    name = session.config.optional_string(f"{_SECTION}.fn-generated-config")
    if name is None or plan.template is None:
        return None
    from xt_core.submit.generated import check_nesting

    check_nesting(plan.template.space)
    return name


def warm_start_jobs(session: Session, request: RunRequest, plan: Plan) -> list[str]:
    """The jobs that `--warm-start` names. Raises UsageError or UnknownNameError."""
    if request.warm_start is None:
        return []
    from xt_core.search.spec import LEARNING

    if plan.search_type not in LEARNING:
        raise UsageError(
            "--warm-start without a search that learns", "add --search-type tpe or another"
        )
    names = [name.strip() for name in request.warm_start.split(",")]
    return [session.store.job(name).name for name in names]
