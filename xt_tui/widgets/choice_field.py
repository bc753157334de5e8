"""A field that is one of several choices, found by the first letters of its name.

Textual's finds a text anywhere in a choice, also in what stands for none, and only once its list is
open.
"""

from textual import events
from textual.app import ComposeResult
from textual.widgets import Select
from textual.widgets._select import SelectCurrent, SelectOverlay


class ChoiceList(SelectOverlay):
    """The list that is open while one chooses."""

    def _find_search_match(self, query: str) -> int | None:
        """The first choice that begins so, else the first that holds it; never none at all."""
        prompts = {
            place: str(option.prompt).lower()
            for place, option in enumerate(self._options)
            if place > 0
        }
        sought = query.lower()
        begun = (place for place, prompt in prompts.items() if prompt.startswith(sought))
        return next(
            begun, next((place for place, prompt in prompts.items() if sought in prompt), None)
        )


class ChoiceField(Select[str]):
    """A select whose first line stands for no choice."""

    def compose(self) -> ComposeResult:
        yield SelectCurrent(self.prompt)
        yield ChoiceList().data_bind(compact=Select.compact)

    def _setup_options_renderables(self) -> None:
        if self.query(SelectOverlay):  # there is none if its form is left while this is put in
            super()._setup_options_renderables()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return _is_text(character)

    def on_key(self, event: events.Key) -> None:
        """Text opens the list where it is found."""
        if not self.expanded and _is_text(event.character):
            event.stop()
            event.prevent_default()
            self.action_show_overlay()
            opened = self.query_one(ChoiceList)
            self.screen.set_focus(opened, scroll_visible=False)
            # After the news of the focus, with which it begins to search anew.
            opened.post_message(events.Key(event.key, event.character))


def _is_text(character: str | None) -> bool:
    return character is not None and character.isprintable() and character != " "
