"""Early stopping in a form: a policy, and the settings that this policy uses.

Policies, settings, defaults and help are those that the engine declares; the text made of them is
that of ``--early-stopping``.
"""

import re
from collections.abc import Iterator, Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Select

from xt_core.config.properties import Property
from xt_core.search.stopping import policies
from xt_tui.widgets.choice_field import ChoiceField
from xt_tui.widgets.field_label import FieldLabel
from xt_tui.widgets.one_line import OneLineInput

OPTION = "early-stopping"
_NONE = "none"
_ABOUT = {
    _NONE: "every run goes to its end",
    "median": "worse than the median of the others",
    "percentile": "worse than a percentile",
    "truncation": "the worst share, each time",
    "bandit": "behind the best by a slack",
    "asha": "asynchronous successive halving",
    "hyperband": "several brackets of successive halving",
    "threshold": "outside a range of values",
    "patience": "improves no longer",
}


_POLICIES_NAMED = re.compile(r"^With [a-z ]+: ")


class Stopping(Vertical):
    """A select of the policy; beneath it the settings of the chosen one."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._settings = {
            policy: {
                name: OneLineInput(
                    placeholder=_placeholder(declared), id=f"{policy}-{name}", compact=True
                )
                for name, declared in used.items()
            }
            for policy, used in {_NONE: {}, **policies()}.items()
        }
        pairs = [(f"{name} · {_ABOUT[name]}", name) for name in self._settings]
        self._policy = ChoiceField(
            pairs,
            prompt="as configured (by default: none)",
            id=f"option-{OPTION}",
            compact=True,
        )

    def compose(self) -> ComposeResult:
        yield self._policy

    @property
    def text(self) -> str:
        """The value of ``--early-stopping``; empty for no policy."""
        if not isinstance(self._policy.value, str):
            return ""
        policy = self._policy.value
        given = {name: field.value.strip() for name, field in self._settings[policy].items()}
        return ",".join([policy, *(f"{name}={text}" for name, text in given.items() if text)])

    def fill(self, text: str) -> None:
        """Show the value of an ``--early-stopping``; an empty one is no choice."""
        policy, *settings = (part.strip() for part in text.split(","))
        known = self._settings.get(policy)
        if known is None:
            self._policy.value = Select.NULL
            return
        given = dict(part.partition("=")[::2] for part in settings)
        self._policy.value = policy
        for name, field in known.items():
            field.value = given.get(name, "")

    def help_of(self, field: Widget) -> str:
        """What a setting's field is for; empty for another widget."""
        for policy, settings in self._settings.items():
            for name, each in settings.items():
                if each is field:
                    return f"{name}: {_about(_declared(policy, name))}"
        return ""

    @on(Select.Changed)
    def _show_settings(self) -> None:
        """Those of the chosen policy alone; they are put in when it is first chosen."""
        chosen = self._policy.value
        for part in self.query(".policy"):
            part.set_class(part.id != f"policy-{chosen}", "hidden")
        settings = self._settings.get(chosen) if isinstance(chosen, str) else None
        if settings and not self.query(f"#policy-{chosen}"):
            self.mount(Vertical(*_rows(settings), classes="policy", id=f"policy-{chosen}"))


def _rows(settings: Mapping[str, Input]) -> Iterator[Horizontal]:
    for name, field in settings.items():
        label = FieldLabel(name, field=f"{OPTION}.{name}", classes="setting-name")
        yield Horizontal(label, field, classes="setting")


def _declared(policy: str, setting: str) -> Property:
    return policies()[policy][setting]


def _about(declared: Property) -> str:
    """What a setting is for, as other fields tell it: as part of a line, under its policy."""
    text = _POLICIES_NAMED.sub("", declared.help).removesuffix(".")
    return text[:1].lower() + text[1:]


def _placeholder(declared: Property) -> str:
    about = _about(declared)
    default = declared.default
    text = f"{default:g}" if isinstance(default, float) else str(default)
    return about if default is None else f"{text} · {about}"
