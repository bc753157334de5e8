"""The search space as rows of a form: a parameter's name, its values, and whether they are right.

What is right is decided by the engine's grammar, the one of command lines and files. Invariant: the
last row is blank, so there is always one to write into.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from xt_core.errors import UsageError
from xt_core.search.distributions import NUMERIC_FORMS
from xt_core.submit.parameters import Written, check_parameter
from xt_tui.widgets.one_line import OneLineInput

_SHORT_STATE_CELLS = 12
"""A longer state takes room from the values."""


class FormSuggester(Suggester):
    """Shows how the distribution that is being written goes on."""

    async def get_suggestion(self, value: str) -> str | None:
        start = value.rfind("$")
        if start < 0:
            return None
        begun = value[start:]
        usages = [usage for form in NUMERIC_FORMS.values() for usage in form.usages]
        found = next((usage for usage in usages if usage.startswith(begun)), None)
        return None if found is None else value[:start] + found


class ParameterRow(Vertical):
    """One parameter with what it draws; below it, what is wrong with it, or was hardly meant."""

    def __init__(self, name: str = "", values: str = "") -> None:
        super().__init__(classes="parameter")
        self.name_input = OneLineInput(
            name, placeholder="name", classes="parameter-name", compact=True
        )
        self.values_input = OneLineInput(
            values,
            placeholder="[.1, .2] or $uniform…",
            classes="parameter-values",
            compact=True,
            suggester=FormSuggester(use_cache=False, case_sensitive=True),
        )
        self._state = Static(classes="parameter-state", markup=False)
        self._remark = Static(classes="parameter-remark hidden", markup=False)
        self._shown = ("", "", False, False)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self.name_input
            yield self.values_input
            yield self._state
        yield self._remark

    @property
    def written(self) -> Written:
        return self.name_input.value.strip(), self.values_input.value.strip()

    @property
    def is_blank(self) -> bool:
        return not any(self.written)

    def check(self) -> None:
        """Say whether the row is right."""
        state, error, doubt = "", "", ""
        if not self.is_blank:
            try:
                checked = check_parameter(*self.written)
            except UsageError as problem:
                state, error = "✘", f"{problem.message} ({problem.hint})"
            else:
                doubt = checked.doubt and f"⚠ {checked.doubt}"
                state = f"{'⚠' if doubt else '✔'} {checked.drawn}"
        shown = (state, error or doubt, bool(error), self.has_focus_within)
        if shown != self._shown:
            self._shown = shown
            self._show(*shown)

    def _show(self, state: str, remark: str, is_wrong: bool, is_written: bool) -> None:
        self._state.update(state, layout=False)  # its size is that of one of two classes
        self._state.set_class(len(state) > _SHORT_STATE_CELLS, "-long")
        for part in (self._state, self._remark):
            part.set_class(is_wrong, "error")
            part.set_class(bool(remark) and not is_wrong, "warning")
        self._remark.update(remark)
        self._remark.set_class(not remark or is_written, "hidden")

    @on(events.DescendantBlur)
    @on(events.DescendantFocus)
    def _focus_changed(self) -> None:
        """What is wrong is said at length when the row is left: half of it is always wrong."""
        self.call_after_refresh(self.check)


class Parameters(Vertical):
    """The rows. A new one comes by itself when the last is written into."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "take_out", "take the parameter out", show=False),
    ]

    class TakenOut(Message):
        """A row is gone."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows = [ParameterRow()]

    def compose(self) -> ComposeResult:
        yield from self._rows

    @property
    def written(self) -> list[Written]:
        """The rows that are not blank, as they are written."""
        return [row.written for row in self._rows if not row.is_blank]

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        for row in self._rows:
            if event.input in (row.name_input, row.values_input):
                row.check()
        if not self._rows[-1].is_blank and self.is_attached:
            self._rows.append(ParameterRow())
            self.mount(self._rows[-1])

    async def fill(self, written: Sequence[Written]) -> None:
        """Show these parameters and no others."""
        if list(written) == self.written:
            return  # who has the keys keeps them
        await self.remove_children()
        self._rows = [ParameterRow(*each) for each in [*written, ("", "")]]
        await self.mount_all(self._rows)
        for row in self._rows:
            row.check()

    def add(self) -> None:
        """Give the keys to the blank row, at once: its name may already be on its way."""
        self.screen.set_focus(self._rows[-1].name_input)

    def action_take_out(self) -> None:
        """Remove the row that has the keys, unless it is the blank one."""
        row = next((row for row in self._rows if row.has_focus_within), None)
        if row is None or row is self._rows[-1]:
            return
        place = self._rows.index(row)
        self._rows.remove(row)
        self._rows[place].name_input.focus()
        row.remove()
        self.post_message(self.TakenOut())
