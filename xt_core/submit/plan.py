"""What a submission will run: its search style, how many work items, and the command of each.

Pure: the same arguments always give the same plan, so any node can make it again.
Invariant: a work item's command and hyperparameters depend on its run_index alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.model.states import SearchStyle
from xt_core.search.space import Space
from xt_core.search.static import (
    DYNAMIC_SEARCH_TYPES,
    RANDOM,
    choose_search_type,
    point,
    static_count,
)
from xt_core.submit.command import CommandTemplate, find_search_options

MOST_UNASKED_ITEMS = 1_000_000
"""A grid above this is submitted only with an explicit number of runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of a job; `commands` are as written, brackets included."""

    style: SearchStyle
    search_type: str | None
    commands: list[list[str]]
    work_items: int
    seed: int
    template: CommandTemplate | None = None
    """The searched command of a search; None in every other style."""

    def hparams(self, run_index: int) -> dict[str, Value] | None:
        """The hyperparameters of a work item; empty if nothing is searched, None if they are
        chosen when its run starts. Raises IndexError."""
        self._check(run_index)
        if self.template is None or self.search_type is None:
            return {}
        if self.style is SearchStyle.DYNAMIC:
            return None
        return point(self.template.space, self.search_type, self.seed, run_index)

    def argv(self, run_index: int, hparams: Mapping[str, Value] | None = None) -> list[str]:
        """The command of a work item with its hyperparameters; the searched command as written
        where they are not given and not known yet. Raises IndexError."""
        known = self.hparams(run_index) if hparams is None else hparams
        if self.template is None:
            return list(self.commands[run_index % len(self.commands)])
        return list(self.template.args) if known is None else self.template.render(known)

    def fallback(self, run_index: int) -> dict[str, Value]:
        """The random set of a work item whose search could not choose one."""
        assert self.template is not None
        return point(self.template.space, RANDOM, self.seed, run_index)

    def _check(self, run_index: int) -> None:
        if not 0 <= run_index < self.work_items:
            raise IndexError(f"run_index {run_index} of {self.work_items} work items")


def make_plan(
    command: list[str],
    *,
    runs: int | None,
    max_runs: int | None,
    search_type: str | None,
    multi_commands: list[list[str]] | None,
    seed: int,
    nodes: int = 1,
    option_prefix: str | None = "--",
    raw_args: bool = False,
    hp_space: Mapping[str, object] | None = None,
    search_style: str | None = None,
) -> Plan:
    """Decide the style and the number of work items. Raises UsageError.

    `search_type` is what the user asked for explicitly, `seed` is drawn by the caller if the user
    gave none. With `raw_args` brackets mean nothing. `multi_commands` take the place of `command`.
    `hp_space` is a space as `Space.describe` gives it, searched with what stands in brackets.
    `search_style` is static or dynamic; by default only what cannot be static is dynamic.
    Without a search or a list of commands there are `runs` items, or one for each node.
    """
    _check_counts(runs, max_runs, nodes)
    prefix = None if raw_args else option_prefix
    template = find_search_options(command, prefix)
    if hp_space is not None:
        template = template.with_space(Space.from_object(hp_space), option_prefix)
    if multi_commands is not None:
        _check_multi([command, *multi_commands], prefix, search_type)
        count = _multi_count(len(multi_commands), runs, max_runs)
        return Plan(SearchStyle.MULTI, None, multi_commands, count, seed)
    if not command:
        raise UsageError("there is no command to run", "name a script, as in xt run train.py")
    if template.space and search_type in DYNAMIC_SEARCH_TYPES:
        _refuse_static_style(search_style, search_type)
        return _dynamic_plan(template, runs, max_runs, search_type, seed)
    if template.space:
        plan = _static_plan(template, runs, max_runs, search_type, seed, nodes)
        is_dynamic = search_style == SearchStyle.DYNAMIC
        return replace(plan, style=SearchStyle.DYNAMIC) if is_dynamic else plan
    _refuse_search_type(search_type)
    count = nodes if runs is None else runs
    style = SearchStyle.REPEAT if count > 1 else SearchStyle.SINGLE
    return Plan(style, None, [command], count, seed)


def _dynamic_plan(
    template: CommandTemplate, runs: int | None, max_runs: int | None, search_type: str, seed: int
) -> Plan:
    count = runs or max_runs
    if count is None:
        raise UsageError(
            f"a {search_type} search without a number of runs", "say how many, as in --runs 50"
        )
    commands = [list(template.args)]
    return Plan(SearchStyle.DYNAMIC, search_type, commands, count, seed, template)


def _static_plan(
    template: CommandTemplate,
    runs: int | None,
    max_runs: int | None,
    explicit: str | None,
    seed: int,
    nodes: int,
) -> Plan:
    search_type = choose_search_type(explicit, template.space, runs)
    count = static_count(template.space, search_type, runs, max_runs, nodes)
    if runs is None and max_runs is None and count > MOST_UNASKED_ITEMS:
        raise UsageError(
            f"the grid has {count:,} points",
            "limit it with --max-runs, or sample it with --search-type random --runs N",
        )
    return Plan(SearchStyle.STATIC, search_type, [list(template.args)], count, seed, template)


def _multi_count(commands: int, runs: int | None, max_runs: int | None) -> int:
    if runs is not None:
        return runs
    return commands if max_runs is None else min(max_runs, commands)


def _check_counts(runs: int | None, max_runs: int | None, nodes: int) -> None:
    for option, count in (("--runs", runs), ("--max-runs", max_runs), ("--nodes", nodes)):
        if count is not None and count <= 0:
            raise UsageError(f"{option} is {count}", f"give {option} a number of 1 or more")


def _check_multi(
    commands: Sequence[list[str]], prefix: str | None, search_type: str | None
) -> None:
    if len(commands) < 2 or not all(commands[1:]):
        raise UsageError("the list of commands is empty", "give at least one command")
    for command in commands:
        if space := find_search_options(command, prefix).space:
            raise UsageError(
                f"a list of commands and a search of {', '.join(space)} together",
                "search one command, or list the commands with plain values",
            )
    _refuse_search_type(search_type)


def _refuse_static_style(search_style: str | None, search_type: str) -> None:
    if search_style == SearchStyle.STATIC:
        raise UsageError(
            f"a static {search_type} search: it chooses each set by the results of earlier runs",
            "leave out --search-style, or use --search-type grid or random",
        )


def _refuse_search_type(search_type: str | None) -> None:
    if search_type is not None:
        raise UsageError(
            f"search type {search_type!r} with nothing to search",
            "give a parameter several values, as in --lr=[0.01, 0.03]",
        )
