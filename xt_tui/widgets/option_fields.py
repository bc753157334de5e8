"""The options of `xt run` as fields of a form, made from their declaration.

What a search most often needs comes first, the rest is folded away.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Label, Select
from textual.widgets.select import InvalidSelectValueError

from xt_core.session import Session
from xt_core.submit.options import RUN_OPTIONS, Kind, RunOption
from xt_tui.widgets.choice_field import ChoiceField
from xt_tui.widgets.field_label import FieldLabel
from xt_tui.widgets.files import FileSuggester
from xt_tui.widgets.metricnames import MetricSuggester
from xt_tui.widgets.one_line import OneLineInput
from xt_tui.widgets.parameters import Parameters
from xt_tui.widgets.stopping import Stopping

_FIRST = (
    "hp-config",
    "search-type",
    "runs",
    "concurrent",
    "primary-metric",
    "goal",
    "early-stopping",
    "nodes",
    "schedule",
    "seed",
)
"""What a search most often needs, in order; the other options are folded away."""
_GOALS = ("maximize", "minimize")
_LEFT_OUT = ("extend",)
"""A job is extended as it was submitted: there is nothing to fill in."""
_ABOUT_ALGORITHMS = {
    "grid": "every combination of the listed values",
    "random": "independent draws",
    "tpe": "tree-structured Parzen estimators",
    "bayesian": "Gaussian process (the same as gp)",
    "gp": "Gaussian process; needs PyTorch",
    "cmaes": "evolution of numeric parameters",
    "qmc": "quasi-random: evenly spread draws",
    "nsga2": "genetic, made for several objectives",
    "dgd": "distributed grid descent: neighbours of the best",
}
_EXAMPLES = {
    "hp-config": "a YAML file with the space",
    "primary-metric": "loss:min; several as acc:max,latency:min",
    "schedule": "runs to nodes: static if one, else dynamic",
}
"""Of options whose help is longer than a field."""
_ABOUT_PARAMETERS = (
    "0.01, 0.03 or $loguniform(-9, -2) · ctrl+n adds one, ctrl+t takes one out · bounds of log "
    "forms are logarithms: from e^-9 to e^-2"
)
_ABOUT_GOAL = "goal: whether more or less of the primary metric is better"
Field = Input | Select[str]


class OptionFields(VerticalScroll):
    """The search space and all options. `texts` is what they say, `fill` says it."""

    def __init__(self, session: Session, *, id: str) -> None:
        super().__init__(id=id, can_focus=False)
        self.parameters = Parameters(id="parameters")
        self._stopping = Stopping(id="stopping")
        self._goal = _select("goal", _GOALS, "as the metric or its name says")
        self._metrics = MetricSuggester()
        self._wrong: Set[str] = frozenset()
        self._fields = {
            option.name: _field(option, session, self._metrics) for option in _plain_options()
        }

    def compose(self) -> ComposeResult:
        yield Label("search space")
        yield self.parameters
        special = {"goal": self._goal, "early-stopping": self._stopping}
        for name in _FIRST:
            yield FieldLabel(name)
            yield special.get(name) or self._fields[name]
        with Collapsible(title="More options", id="more"):
            yield Vertical(id="more-options")

    def on_resize(self) -> None:
        """The field that has the keys stays in sight."""
        held = self.screen.focused
        if held is not None and self in held.ancestors:
            self.call_after_refresh(held.scroll_visible, animate=False)

    @on(Collapsible.Expanded, "#more")
    async def _unfold(self) -> None:
        await self.show_more()
        if self.screen.focused in list(self.query("#more CollapsibleTitle")):  # the user's doing
            more = self.query_one("#more")
            self.call_after_refresh(more.scroll_visible, animate=False, top=True)

    async def show_more(self) -> None:
        """Unfold the options that few jobs need. They are put in when they are first asked for:
        with all of them the form opens twice as slowly."""
        place = self.query_one("#more-options")
        if not place.children:
            await place.mount_all(self._more_options())
            self.mark(self._wrong)
        for more in self.query("#more").results(Collapsible):  # none while the form closes
            more.collapsed = False

    def _more_options(self) -> Iterator[Widget]:
        for name, field in self._fields.items():
            if name not in _FIRST:
                label = FieldLabel(name, classes="setting-name")
                yield Horizontal(label, field, classes="setting")

    @property
    def texts(self) -> dict[str, str | bool]:
        """The options that are filled in, as `request_from_texts` takes them."""
        texts: dict[str, str | bool] = {"early-stopping": self._stopping.text}
        for option in _plain_options():
            field = self._fields[option.name]
            if isinstance(field, Input):
                texts[option.name] = field.value.strip()
            elif isinstance(field.value, str):
                texts[option.name] = option.kind is Kind.FLAG or field.value
        if isinstance(self._goal.value, str):
            texts[self._goal.value] = True
        return {name: text for name, text in texts.items() if text not in ("", False)}

    async def fill(self, texts: Mapping[str, str | bool]) -> list[str]:
        """Show these options and no others; those whose choice is none any more, which are left
        out."""
        if any(texts.get(name) for name in self._fields if name not in _FIRST):
            await self.show_more()
        # In that one's own queue, so that it comes after what brings unfolded options into sight.
        for more in self.query("#more"):  # none while the form closes
            more.call_after_refresh(self.scroll_home, animate=False)
        self._stopping.fill(str(texts.get("early-stopping", "")))
        goal = next((name for name in _GOALS if texts.get(name)), None)
        _choose(self._goal, goal)
        for option in _plain_options():
            field, text = self._fields[option.name], texts.get(option.name, "")
            if isinstance(field, Input):
                field.value = str(text)
            else:
                _choose(field, "yes" if text is True else str(text))
        shown = self.texts
        return [name for name, text in texts.items() if text and name not in shown]

    def mark(self, wrong: Set[str]) -> None:
        """Show which fields are wrong, by their names; parameters tell it themselves."""
        self._wrong = wrong
        for label in self.query(FieldLabel):
            label.mark(is_wrong=label.field in wrong)

    def remember_metrics(self, names: Sequence[str]) -> None:
        """These may be completed as the primary metric, the likeliest first."""
        self._metrics.names = names

    def help_of(self, widget: Widget) -> str:
        """What a field is for; empty for a widget that is none."""
        if self.parameters in widget.ancestors_with_self:
            return _ABOUT_PARAMETERS
        if widget is self._goal:
            return _ABOUT_GOAL
        if text := self._stopping.help_of(widget):
            return text
        name = (widget.id or "").removeprefix("option-")
        found = next((option for option in RUN_OPTIONS if option.name == name), None)
        return "" if found is None else f"{found.name}: {found.help}"


def _plain_options() -> list[RunOption]:
    """The options that have a field of their own."""
    special = ("early-stopping", *_GOALS, *_LEFT_OUT)
    return [option for option in RUN_OPTIONS if option.name not in special]


def _choose(field: Select[str], value: str | None) -> None:
    try:
        field.value = value or Select.NULL
    except InvalidSelectValueError:
        field.value = Select.NULL


def _field(option: RunOption, session: Session, metrics: MetricSuggester) -> Field:
    if option.kind is Kind.FLAG:
        return _select(option.name, ("yes",), option.help)
    if option.name == "search-type":
        hint = "grid if all is listed and runs is empty, else random"
        return _select(option.name, option.choices, hint)
    hint = _EXAMPLES.get(option.name, option.help)
    if option.name == "target":
        configured = session.config.string("xt-services.target")
        return _select(option.name, _targets(session), f"{configured} (as configured)")
    if option.kind is Kind.CHOICE:
        return _select(option.name, option.choices, hint)
    suggester: Suggester | None = None
    if option.name == "primary-metric":
        suggester = metrics
    elif option.kind is Kind.FILE:
        suggester = FileSuggester(session.cwd)
    return OneLineInput(
        placeholder=hint, id=f"option-{option.name}", compact=True, suggester=suggester
    )


def _select(name: str, choices: Sequence[str], prompt: str) -> ChoiceField:
    """Choices as texts: names of targets are the user's, and no markup."""
    pairs = [(Text(_label(choice)), choice) for choice in choices]
    return ChoiceField(pairs, prompt=prompt, id=f"option-{name}", compact=True)


def _label(choice: str) -> str:
    about = _ABOUT_ALGORITHMS.get(choice)
    return f"{choice} · {about}" if about else choice


def _targets(session: Session) -> list[str]:
    """What a job can be run on: the targets, and each box."""
    settings = session.config.as_dict()
    boxes = [name for name, box in settings["boxes"].items() if box["address"] is not None]
    return list(dict.fromkeys([*settings["compute-targets"], *boxes]))
