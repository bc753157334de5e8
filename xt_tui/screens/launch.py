"""The launch form: a command, the options of `xt run`, and a preview of what would be run.

The fields are those of `RUN_OPTIONS`; what they mean and whether they are right is decided by the
engine's `prepare`, in the background, as the user types. Parameters become options of the script,
as on a command line. Invariant: what is launched is what the fields say at that moment, and it is
launched once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Collapsible, Input, Label, Select, Static

from xt_core.errors import XTError
from xt_core.reports.plans import plan_lines
from xt_core.session import Session
from xt_core.submit.options import (
    RUN_OPTIONS,
    Kind,
    RunOption,
    RunRequest,
    command_line,
    request_from_texts,
)
from xt_core.submit.preparation import prepare
from xt_core.submit.submission import Submission, submit
from xt_tui.background import Background
from xt_tui.widgets.files import FileSuggester
from xt_tui.widgets.parameters import Parameters, Written, with_parameters
from xt_tui.widgets.stopping import Stopping

_MOST_ROWS = 8
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
Field = Input | Select[str]


class LaunchScreen(ModalScreen[Submission | None]):
    """Ends with the submission, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close"),
        Binding("ctrl+l", "launch", "launch"),
        Binding("ctrl+y", "copy", "copy as command"),
        Binding("ctrl+n", "add_parameter", "new parameter"),
    ]

    @dataclass
    class Previewed(Message):
        """What the request means, or why it means nothing."""

        typed: int
        request: RunRequest | None
        lines: list[str]
        error: str = ""

    @dataclass
    class Noted(Message):
        """The engine warns of something while it submits."""

        text: str

    @dataclass
    class Submitted(Message):
        """The outcome of a launch."""

        submission: Submission | None
        error: str = ""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._background = Background(self, "preview")
        self._request: RunRequest | None = None
        """What the fields say, once it is known to be right."""
        self._typed = 0
        self._is_wanted = self._is_submitting = False
        self._command = Input(placeholder="train.py --epochs=10", id="command", compact=True)
        self._parameters = Parameters(id="parameters")
        self._stopping = Stopping(id="stopping")
        self._goal = _select("goal", _GOALS, "as configured (by default: maximize)")
        self._fields = {option.name: _field(option, session) for option in _plain_options()}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="launch"):
            yield Static("Launch a run or a search", classes="dialog-title")
            yield Label(f"script and arguments, in {self._session.cwd}", markup=False)
            yield self._command
            with VerticalScroll(id="options", can_focus=False):
                yield Label("search space\nctrl+n adds\nctrl+t takes out")
                yield self._parameters
                special = {"goal": self._goal, "early-stopping": self._stopping}
                for name in _FIRST:
                    yield Label(name)
                    yield special.get(name) or self._fields[name]
                with Collapsible(title="More options", id="more"):
                    yield from self._more_options()
            with VerticalScroll(id="preview-scroll"):
                yield Static(id="preview", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    "Launch (ctrl+l)", id="go", variant="success", disabled=True, compact=True
                )
                yield Button("Copy as command (ctrl+y)", id="copy", disabled=True, compact=True)
                yield Button("Close (esc, ctrl+g)", id="close", compact=True)

    def _more_options(self) -> Iterator[Widget]:
        for name, field in self._fields.items():
            if name not in _FIRST:
                yield Horizontal(Label(name, classes="setting-name"), field, classes="setting")

    def on_mount(self) -> None:
        self._command.focus()

    # Preview ----------------------------------------------------------------------------

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Parameters.TakenOut)
    def _changed(self) -> None:
        if not self.query("#go, #copy"):
            return  # the form is being built, or closes
        self._typed += 1
        self._is_wanted = False
        self._set_request(None)
        typed, command, texts = self._typed, self._command.value, self._texts()
        parameters = self._parameters.written
        self._background.ask(lambda: self._preview(typed, command, parameters, texts))

    def _texts(self) -> dict[str, str | bool]:
        texts: dict[str, str | bool] = {"early-stopping": self._stopping.text}
        for option in _plain_options():
            field = self._fields[option.name]
            if isinstance(field, Input):
                texts[option.name] = field.value.strip()
            elif isinstance(field.value, str):
                texts[option.name] = option.kind is Kind.FLAG or field.value
        if isinstance(self._goal.value, str):
            texts[self._goal.value] = True
        return texts

    def _preview(
        self,
        typed: int,
        command: str,
        parameters: Sequence[Written],
        texts: dict[str, str | bool],
    ) -> Previewed:
        if not command.strip() and not texts.get("multi-commands"):
            return self.Previewed(typed, None, ["write the command to run into the first line"])
        try:
            request = request_from_texts(command, texts)
            session = self._for(request)
            try:
                prefix = session.config.optional_string("hyperparameter-search.option-prefix")
                command_words = with_parameters(request.command, parameters, prefix)
                request = replace(request, command=command_words)
                plan = prepare(session, request).plan
            finally:
                session.close()
        except XTError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return self.Previewed(typed, None, [], error.message + hint)
        return self.Previewed(typed, request, plan_lines(plan, _MOST_ROWS))

    def _for(self, request: RunRequest) -> Session:
        return self._session.beside(request.overrides())

    @on(Previewed)
    def _show_preview(self, message: Previewed) -> None:
        if message.typed != self._typed or not self.query("#preview"):
            return  # more has been typed since, or the form closes
        preview = self.query_one("#preview", Static)
        preview.set_class(bool(message.error), "error")
        preview.update(message.error or "\n".join(message.lines))
        self._set_request(message.request)
        if self._is_wanted:
            self.action_launch()

    def _set_request(self, request: RunRequest | None) -> None:
        self._request = request
        self.query_one("#go", Button).disabled = request is None or self._is_submitting
        self.query_one("#copy", Button).disabled = request is None

    # Acts -------------------------------------------------------------------------------

    @on(Button.Pressed, "#go")
    @on(Input.Submitted, "#command")
    def action_launch(self) -> None:
        """Launch what is previewed; what is not yet previewed, as soon as it is."""
        self._is_wanted = self._request is None
        if self._request is None or self._is_submitting:
            return
        self._is_submitting = True
        self.query_one("#go", Button).disabled = True
        request = self._request
        self.run_worker(
            lambda: self.post_message(self._submit(request)),
            thread=True,
            group="submit",
            description="submit",
            exit_on_error=False,
        )

    def _submit(self, request: RunRequest) -> Submitted:
        session = self._for(request)
        try:
            submission = submit(session, prepare(session, request), self._warn)
        except XTError as error:
            return self.Submitted(None, f"{error.message} {error.hint}".strip())
        finally:
            session.close()
        return self.Submitted(submission)

    def _warn(self, text: str) -> None:
        self.post_message(self.Noted(text))

    @on(Noted)
    def _note(self, message: Noted) -> None:
        self.app.notify(message.text, severity="warning", markup=False)

    @on(Submitted)
    def _submitted(self, message: Submitted) -> None:
        self._is_submitting = False
        if message.submission is not None:
            self.dismiss(message.submission)
            return
        preview = self.query_one("#preview", Static)
        preview.add_class("error")
        preview.update(message.error)
        self._set_request(self._request)

    def action_add_parameter(self) -> None:
        self._parameters.add()

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        if self._request is not None:
            self.app.copy_to_clipboard(command_line(self._request))
            self.notify(command_line(self._request), title="copied", markup=False)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)


def _plain_options() -> list[RunOption]:
    """The options that have a field of their own."""
    return [option for option in RUN_OPTIONS if option.name not in ("early-stopping", *_GOALS)]


def _field(option: RunOption, session: Session) -> Field:
    if option.kind is Kind.FLAG:
        return _select(option.name, ("yes",), option.help)
    if option.name == "search-type":
        return _select(option.name, option.choices, "grid if all is listed, else random")
    hint = _EXAMPLES.get(option.name, option.help)
    if option.name == "target":
        configured = session.config.string("xt-services.target")
        return _select(option.name, _targets(session), f"{configured} (as configured)")
    if option.kind is Kind.CHOICE:
        return _select(option.name, option.choices, hint)
    suggester = FileSuggester(session.cwd) if option.kind is Kind.FILE else None
    return Input(placeholder=hint, id=f"option-{option.name}", compact=True, suggester=suggester)


def _select(name: str, choices: Sequence[str], prompt: str) -> Select[str]:
    pairs = [
        (f"{choice} · {about}" if (about := _ABOUT_ALGORITHMS.get(choice)) else choice, choice)
        for choice in choices
    ]
    return Select(pairs, prompt=prompt, id=f"option-{name}", compact=True)


def _targets(session: Session) -> list[str]:
    """What a job can be run on: the targets, and each box."""
    settings = session.config.as_dict()
    boxes = [name for name, box in settings["boxes"].items() if box["address"] is not None]
    return list(dict.fromkeys([*settings["compute-targets"], *boxes]))
