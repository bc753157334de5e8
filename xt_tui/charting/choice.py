"""Which of the chosen runs are drawn, and which of them are taken together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xt_core.model.records import Run
from xt_core.query.formats import counted
from xt_core.reports.rungroups import (
    RunGroup,
    all_together,
    best_groups,
    by_set,
    by_text,
    sampled,
)
from xt_core.reports.top import best_runs
from xt_tui.charting.drawn import Drawn, Machine
from xt_tui.charting.view import Banding
from xt_tui.groups import Groups

MOST_CURVES = 10
"""More curves, or bands, could not be told apart."""


@dataclass(frozen=True)
class Choice:
    """What is drawn."""

    runs: Sequence[Drawn] = ()
    groups: Sequence[RunGroup[Drawn]] = ()
    """The runs as they are taken together; empty: each is a curve of its own."""
    has_groups: bool = False
    """Whether there are several groups, however they are drawn."""
    text: str = ""
    """What it is of all that was chosen, if not the whole."""


@dataclass(frozen=True)
class Wanted:
    """What there is to choose from, and how."""

    runs: Sequence[Run] = ()
    primary: str = ""
    maximize: bool = True
    by: Groups = field(default_factory=Groups)
    """How the table has them grouped."""
    banding: Banding = Banding.OFF
    top: bool = True
    """Whether of too many the best are drawn, rather than the first."""

    @property
    def job(self) -> str:
        """That of the runs, or of the first of them."""
        return self.runs[0].job if self.runs else ""

    @property
    def is_quick(self) -> bool:
        """Whether the choice takes no time worth mentioning."""
        is_cut = not (self.top and self.primary)
        return len(self.runs) <= MOST_CURVES or (self.banding is Banding.OFF and is_cut)


def chosen(wanted: Wanted) -> Choice:
    """The curves or bands of the runs."""
    return _curves(wanted) if wanted.banding is Banding.OFF else _bands(wanted)


def machines_chosen(machines: Sequence[Machine], banding: Banding) -> Choice:
    """The curves of machines, or their band."""
    if banding is Banding.OFF:
        return Choice(machines)
    return Choice(machines, all_together(list[Drawn](machines), "mean of all machines"))


def _curves(wanted: Wanted) -> Choice:
    runs = wanted.runs
    if len(runs) <= MOST_CURVES:
        return Choice(runs)
    of = f"of {counted(len(runs), 'run')}"
    if not (wanted.top and wanted.primary):
        return Choice(runs[:MOST_CURVES], text=f"the first {MOST_CURVES} {of}")
    best = best_runs(runs, wanted.primary, wanted.maximize, MOST_CURVES)
    return Choice(best, text=f"the {MOST_CURVES} best by {wanted.primary} {of}")


def _bands(wanted: Wanted) -> Choice:
    found, texts = _groups(wanted), list[str]()
    has_groups = len(found) > 1
    groups = all_together(wanted.runs) if wanted.banding is Banding.ALL else found
    if len(groups) > MOST_CURVES:
        of = f"of {counted(len(groups), 'group')}"
        if wanted.top and wanted.primary:
            groups = best_groups(groups, wanted.primary, wanted.maximize, MOST_CURVES)
            texts.append(f"the {MOST_CURVES} best by mean {wanted.primary} {of}")
        else:
            groups = groups[:MOST_CURVES]
            texts.append(f"the first {MOST_CURVES} {of}")
    groups = sampled(groups)
    runs = [run for group in groups for run in group.runs]
    total = sum(group.total for group in groups)
    if len(runs) < total:
        texts.append(f"a sample of {len(runs):,} of {counted(total, 'run')}")
    drawn: list[RunGroup[Drawn]] = [RunGroup(g.name, g.runs, g.total) for g in groups]
    return Choice(runs, drawn, has_groups, " · ".join(texts))


def _groups(wanted: Wanted) -> list[RunGroup[Run]]:
    """As the table has them, else by sets that repeat, else all together."""
    if wanted.by.column:
        return by_text(wanted.by.column, wanted.by.text_of, wanted.runs)
    return by_set(wanted.runs)
