"""The line that filters a table: while it is typed, with completion, history and the hits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from xt_core.errors import UsageError
from xt_core.query.fields import FieldSet
from xt_core.query.filters import Filter
from xt_core.query.unheld import named_members, unheld_text
from xt_tui.completion import candidates, completed, parse_begun, parse_filters
from xt_tui.widgets.facts import Facts
from xt_tui.widgets.history import History

_MOST_OFFERED = 8
_KEYS = (
    "words, tags.NAME, conditions · tab completes · ↑ ↓ earlier filters · enter goes to the rows · "
    "esc or ctrl+g clears"
)


class _Completion(Suggester):
    """Shows the rest of a word behind the cursor."""

    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return self._complete(value)


class FilterInput(Input):
    """One line of text with a completion and a history."""

    def __init__(
        self, placeholder: str, complete: Callable[[str], str | None], history: Sequence[str]
    ) -> None:
        """`history` has what was entered before, the newest last."""
        super().__init__(
            placeholder=placeholder,
            classes="filter",
            compact=True,
            suggester=_Completion(complete),
            select_on_focus=False,  # the next key adds to the filter, it does not replace it
        )
        self._complete = complete
        self.history = History(history)

    def on_key(self, event: events.Key) -> None:
        """Here, not by bindings: those would come after letters that were typed behind them."""
        steps = {"up": -1, "down": 1}
        text = self._complete(self.value) if event.key == "tab" else None
        if event.key in steps:
            self._show(self.history.step(steps[event.key], self.value))
        elif text is not None:  # without a completion, tab goes to the next widget as everywhere
            self._show(text)
        else:
            return
        event.stop()
        event.prevent_default()

    def _show(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)


class FilterBar(Vertical):
    """Hidden while there is no filter. What is wrong with one is told inline. Its last word counts
    as soon as it can be no field's name any more, or is ended by a blank or enter."""

    @dataclass
    class Changed(Message):
        """Another filter is to be used."""

        text: str
        filters: tuple[Filter[Any], ...]

    @dataclass
    class Done(Message):
        """The user is back at the table; `history` is what was entered so far."""

        history: Sequence[str]

    def __init__(
        self,
        fields: FieldSet[Any],
        noun: str,
        example: str,
        names: Callable[[], Sequence[str]],
        history: Sequence[str],
    ) -> None:
        """`noun` is what a record is called; `names` tells which fields there are, as filters
        write them."""
        super().__init__(classes="filter-bar hidden")
        self._fields, self._noun, self._example, self._history = fields, noun, example, history
        self._read_names, self._names = names, list[str]()
        self._shown = ""
        """A filter that was not typed: its last word is whole."""

    def compose(self) -> ComposeResult:
        with Horizontal(classes="filter-line"):
            yield FilterInput(self._example, self._complete, self._history)
            yield Facts(classes="filter-hits", markup=False)
        yield Static(classes="filter-error hidden", markup=False)

    def _complete(self, text: str) -> str | None:
        return completed(text, self._fields, self._names)

    @property
    def _input(self) -> FilterInput:
        return self.query_one(FilterInput)

    def open(self) -> None:
        """Let the user type."""
        self._names = list(self._read_names())
        self.remove_class("hidden")
        self._input.focus()
        if not self._input.value:
            self._say(_KEYS)

    def show_text(self, text: str) -> Changed | None:
        """Show a filter that was not typed here, and what it asks for; "" closes the bar. None
        where it is wrong, which is told."""
        self.set_class(not text, "hidden")
        self._names = list(self._read_names()) if text else []
        self._shown = text
        with self._input.prevent(Input.Changed):
            self._input.value = text
        return self._judged(text)

    def show_hits(self, text: str) -> None:
        """Tell how many records match."""
        for hits in self.query(".filter-hits").results(Facts):  # none while the app closes
            hits.update(text)

    def tell_mistake(self, text: str) -> None:
        """Say what is wrong with the filter, which is not used."""
        if self.query(".filter-error"):  # else the app closes
            self.remove_class("hidden")
            self._say(text, is_error=True)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.query(".filter-error"):
            return  # the app closes
        changed = self._judged(self._input.value)  # it may be another by now
        if changed is not None:
            self.post_message(changed)

    def _judged(self, text: str) -> Changed | None:
        """What a text asks for, as far as it is right; the rest is told."""
        is_typed = text != self._shown
        try:
            begun = parse_begun(text, self._fields, self._names, is_typed=is_typed)
        except UsageError as problem:
            self._say_problem(problem)
            return None
        offered = candidates(text, self._fields, self._names)[:_MOST_OFFERED]
        if begun.problem is None or offered:
            self._say("  ".join(offered) or self._unheld(begun.filters))
        else:
            self._say_problem(begun.problem)
        return self.Changed(begun.text, begun.filters)

    def _use_whole(self, text: str) -> None:
        """Use all that is typed, and keep it."""
        try:
            self._names = list(self._read_names())
            filters = parse_filters(text, self._fields, self._names)
        except UsageError as problem:
            self._say_problem(problem)
            return
        self._input.history.keep(text.strip())
        self._say(self._unheld(filters))
        self.post_message(self.Changed(text.strip(), filters))

    def _unheld(self, filters: Sequence[Filter[Any]]) -> str:
        """What to tell of names that no record holds: they may be wrong, or logged later."""
        members = named_members(filters, self._fields)
        held = [self._fields.find(name).name for name in self._names] if members else []
        texts = (unheld_text(field, self._noun, held) for field in members)
        return " · ".join(text for text in texts if text)

    def _say_problem(self, problem: UsageError) -> None:
        self._say(f"{problem.message}: {problem.hint}", is_error=True)

    def _say(self, text: str, is_error: bool = False) -> None:
        """Under the line; "" hides it."""
        below = self.query_one(".filter-error", Static)
        below.update(text)
        below.set_class(is_error, "error")
        below.set_class(not is_error, "hint")
        below.set_class(not text, "hidden")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.query_one(".filter-error", Static).has_class("error"):
            self._use_whole(event.value)
        self.set_class(not event.value.strip(), "hidden")
        self.post_message(self.Done(self._input.history.texts))
