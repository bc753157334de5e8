"""What a job would run, as text: the kind of search, its sets as a table, its first command."""

from collections.abc import Callable, Sequence
from pathlib import PurePath

from xt_core.model.states import SearchStyle
from xt_core.query.fields import Kind
from xt_core.query.formats import counted, format_value
from xt_core.query.table import render_table
from xt_core.search.conditions import Condition
from xt_core.search.space import Space
from xt_core.search.spec import LEARNING
from xt_core.submit.mrc import shown_command
from xt_core.submit.plan import Plan

_WIDEST_CELL, _WIDEST_VALUES = 24, 60


def plan_lines(
    plan: Plan, most: int, shown: Callable[[Sequence[str]], str] = shown_command
) -> list[str]:
    """How many runs of which kind, and `most` of them: the first one's command and a table of
    sets, or commands. `shown` writes a command."""
    kind = f" {plan.search_type}" if plan.search_type else ""
    seed = "" if plan.template is None else f", seed {plan.seed}"
    lines = [f"{plan.style}{kind}: {counted(plan.work_items, 'run')}{seed}"]
    if plan.template is None:
        lines += [shown(plan.argv(index)) for index in range(min(plan.work_items, most))]
        return [*lines, *_more(plan, most)]
    if plan.style is SearchStyle.DYNAMIC:
        learns = plan.search_type in LEARNING
        why = ", by what the runs before it gave" if learns else ""
        lines += [
            f"command: {shown(plan.argv(0))}",
            f"each set is chosen when its run starts{why}:",
        ]
        return lines + space_lines(plan.template.space)
    lines.append(f"first: {shown(plan.argv(0))}")
    lines += _table(plan, most) + _more(plan, most)
    sampled = [name for name, d in plan.template.space.items() if d.choices is None]
    if plan.search_type == "grid" and sampled:
        lines.append(f"sampled once a combination, having no listed values: {', '.join(sampled)}")
    return lines


def brief_command(argv: Sequence[str]) -> str:
    """A command as it is shown, but of its program the name alone."""
    return shown_command([PurePath(argv[0]).name, *argv[1:]] if argv else argv)


def space_lines(space: Space) -> list[str]:
    """Each parameter with what it may be, and when, as a table."""
    rows = [
        [name, f"{distribution.describe()}{_when(space.condition(name))}"]
        for name, distribution in space.items()
    ]
    return render_table(["parameter", "values"], rows, ["left", "left"], _WIDEST_VALUES)


def _when(condition: Condition | None) -> str:
    if condition is None:
        return ""
    parts = [f"{name} is {' or '.join(map(str, values))}" for name, values in condition.allowed]
    return f" when {' and '.join(parts)}"


def _table(plan: Plan, most: int) -> list[str]:
    assert plan.template is not None
    names = list(plan.template.space)
    rows = []
    for index in range(min(plan.work_items, most)):
        values = plan.hparams(index) or {}
        cells = [format_value(values[n], Kind.ANY) if n in values else "" for n in names]
        rows.append([str(index), *cells])
    return render_table(["set", *names], rows, ["right"] * (len(names) + 1), _WIDEST_CELL)


def _more(plan: Plan, most: int) -> list[str]:
    return [f"… {plan.work_items - most:,} more"] if plan.work_items > most else []
