"""The launch form: a command, the options of `xt run`, and a preview of what would be run.

What the fields mean and whether they are right is decided by the engine's `prepare`, in the
background, as the user types. Parameters become options of the script, as on a command line.
Invariant: what is launched is what the fields say at that moment, and it is launched once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from xt_core.errors import XTError
from xt_core.query.formats import counted
from xt_core.reports.plans import plan_lines
from xt_core.session import Session
from xt_core.submit.options import RunRequest, command_line, request_from_texts
from xt_core.submit.parameters import Written, with_parameters
from xt_core.submit.preparation import prepare
from xt_core.submit.presets import (
    Preset,
    check_preset_name,
    delete_preset,
    presets,
    save_preset,
)
from xt_core.submit.recent import recent_commands, scripts
from xt_core.submit.submission import Submission, submit
from xt_tui.background import Background
from xt_tui.paths import short
from xt_tui.widgets.command import CommandInput
from xt_tui.widgets.option_fields import OptionFields
from xt_tui.widgets.parameters import Parameters

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_MOST_ROWS = 8
_SEED = "hyperparameter-search.seed"
_ABOUT_COMMAND = (
    "brackets are a search, as --lr=[.1,.2]; right completes a file, up recalls earlier commands"
)


class LaunchScreen(ModalScreen[Submission | None]):
    """Ends with the submission, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", "close"),
        Binding("ctrl+l", "launch", "launch"),
        Binding("ctrl+y", "copy", "copy as command"),
        Binding("ctrl+n", "add_parameter", "new parameter", priority=True),
        Binding("ctrl+f", "choose_script", "scripts", priority=True),
        Binding("ctrl+r", "choose_preset", "presets"),
        Binding("ctrl+s", "save_preset", "save as preset"),
        # First of all, so that what is typed after them goes to the next field, however fast.
        Binding("tab", "app.focus_next", "next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "field before", show=False, priority=True),
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

    @dataclass
    class Remembered(Message):
        """What was launched lately, the newest first."""

        commands: list[str]

    @dataclass
    class ScriptsFound(Message):
        """The scripts below the folder."""

        paths: list[str]

    def __init__(
        self,
        session: Session,
        content: Preset | None = None,
        title: str = "Launch a run or a search",
    ) -> None:
        """`content` is what the fields say to begin with."""
        super().__init__()
        self._session, self._content, self._title = session, content, title
        self._background = Background(self, "preview")
        self._request: RunRequest | None = None
        """What the fields say, once it is known to be right."""
        self._typed = 0
        self._is_wanted = self._is_submitting = False
        self._seed = SystemRandom().randrange(2**31)
        """Where the user gives none: the sets that are launched are those of the preview."""
        self._command = CommandInput(session.cwd, id="command")
        self._options = OptionFields(session, id="options")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="launch"):
            yield Static(self._title, classes="dialog-title", markup=False)
            where = f"script and arguments, in {short(self._session.cwd)}"
            yield Label(where, id="launch-folder", markup=False)
            yield self._command
            yield self._options
            yield Static(_ABOUT_COMMAND, id="field-help", classes="hint", markup=False)
            with VerticalScroll(id="preview-scroll"):
                yield Static(id="preview", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    "Launch (ctrl+l)", id="go", variant="success", disabled=True, compact=True
                )
                yield Button(
                    "Copy (ctrl+y)", id="copy", disabled=True, compact=True,
                    tooltip="the xt run command that does the same",
                )  # fmt: skip
                yield Button("Close (esc, ctrl+g)", id="close", compact=True)
            yield Static(
                "tab next field · ctrl+f scripts · ctrl+r presets · ctrl+s saves as preset",
                classes="hint",
                markup=False,
            )

    async def on_mount(self) -> None:
        self._command.focus()
        self.run_worker(
            self._remember, thread=True, description="recent commands", exit_on_error=False
        )
        if self._content is not None:
            await self._fill(self._content)

    async def _fill(self, content: Preset) -> None:
        await self._options.fill(content.options)
        self._command.value = content.command
        await self._options.parameters.fill(list(content.parameters))
        self._changed()

    @on(DescendantFocus)
    def _tell_of_field(self, event: DescendantFocus) -> None:
        """The field that has the keys is explained."""
        text = self._options.help_of(event.widget)
        if not text and event.widget is self._command:
            text = _ABOUT_COMMAND
        for part in self.query("#field-help").results(Static):
            part.update(text, layout=False)  # its height is fixed: fields do not move

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
        typed, command, texts = self._typed, self._command.value, self._options.texts
        parameters = self._options.parameters.written
        self._background.ask(lambda: self._preview(typed, command, parameters, texts))

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
        config, overrides = self._session.config, request.overrides()
        if config.optional_integer(_SEED) is None:
            overrides.setdefault(_SEED, self._seed)
        return self._session.beside(overrides)

    @on(Previewed)
    def _show_preview(self, message: Previewed) -> None:
        if message.typed != self._typed or not self.query("#preview"):
            return  # more has been typed since, or the form closes
        preview = self.query_one("#preview", Static)
        preview.set_class(bool(message.error), "error")
        preview.update(message.error or _page(message.lines))
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
        request, app = self._request, cast("XtApp", self.app)
        self.run_worker(
            lambda: self._tell(app, self._submit(request)),
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

    def _tell(self, app: "XtApp", outcome: Submitted) -> None:
        """Called in a thread. Of a form that was closed meanwhile the app tells what came."""
        if self.is_attached and self.post_message(outcome):
            return
        if outcome.submission is not None:
            app.call_later(app.launched, outcome.submission)
        else:
            failed = partial(app.notify, title="not launched", severity="error", markup=False)
            app.call_later(failed, outcome.error)

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
        for preview in self.query("#preview").results(Static):  # none while the form closes
            preview.add_class("error")
            preview.update(message.error)
            self._set_request(self._request)

    def action_add_parameter(self) -> None:
        self._options.parameters.add()

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        if self._request is not None:
            self.app.copy_to_clipboard(command_line(self._request))
            self.notify(command_line(self._request), title="copied", markup=False)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    # Presets, scripts, earlier commands -------------------------------------------------

    def _remember(self) -> None:
        """Look up what was launched lately, in a thread."""
        self.post_message(self.Remembered(self._recent_commands()))

    def _recent_commands(self) -> list[str]:
        session = self._session.beside()
        try:
            return recent_commands(session.store.jobs(workspace=session.workspace))
        except XTError:  # the form serves without them
            return []
        finally:
            session.close()

    @on(Remembered)
    def _take_history(self, message: Remembered) -> None:
        self._command.history = message.commands

    def action_choose_script(self) -> None:
        """Look for scripts, in a thread; then let the user choose."""
        folder = self._session.cwd

        def find() -> None:
            self.post_message(self.ScriptsFound(scripts(folder, self._recent_commands())))

        self.run_worker(find, thread=True, description="scripts", exit_on_error=False)

    @on(ScriptsFound)
    def _show_scripts(self, message: ScriptsFound) -> None:
        from xt_tui.screens.choose import Choice, ChoiceScreen

        if not message.paths:
            self.notify(
                f"no .py or .sh file below {self._session.cwd}", severity="warning", markup=False
            )
            return
        choices = [Choice(path, path) for path in message.paths]
        title = f"Which script? {counted(len(choices), 'script')}, those used last first"
        self.app.push_screen(ChoiceScreen(title, choices), self._take_script)

    def _take_script(self, path: str | None) -> None:
        """The script in the place of the command's first word; its arguments stay."""
        import shlex

        if path is not None:
            _, _, arguments = self._command.value.strip().partition(" ")
            self._command.value = f"{shlex.quote(path)} {arguments}".rstrip()
            self._command.cursor_position = len(self._command.value)
        self._command.focus()

    def action_choose_preset(self) -> None:
        from xt_tui.screens.choose import Choice, ChoiceScreen

        home = self._session.team_home
        try:
            known = presets(home)
        except XTError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if not known:
            self.notify("no presets yet: ctrl+s saves what the form says as one", markup=False)
            return

        async def take(name: str | None) -> None:
            if name is not None:
                await self._fill(known[name])

        choices = [Choice(name, name, _summary(preset)) for name, preset in known.items()]
        hint = "enter fills it in · D deletes it · / filters · esc, ctrl+g or q leaves"
        screen = ChoiceScreen("Which preset?", choices, hint=hint, delete=self._forget)
        self.app.push_screen(screen, take)

    def _forget(self, name: str) -> None:
        self._attempt(
            f"preset {name} deleted", lambda: delete_preset(self._session.team_home, name)
        )

    def action_save_preset(self) -> None:
        from xt_tui.screens.ask import AskScreen

        content = Preset(
            self._command.value.strip(), self._options.texts, self._options.parameters.written
        )

        def save(name: str | None) -> None:
            if name is not None:
                self._attempt(
                    f"preset {name} saved",
                    lambda: save_preset(self._session.team_home, name, content),
                )

        hint = "the name; a preset of that name is replaced"
        self.app.push_screen(AskScreen("Save as preset", hint, _check_if_any), save)

    def _attempt(self, done: str, call: Callable[[], None]) -> None:
        try:
            call()
        except XTError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            self.notify(done, markup=False)


def _check_if_any(name: str) -> None:
    if name:
        check_preset_name(name.strip())


def _summary(preset: Preset) -> str:
    """A preset in one line."""
    options = [
        f"--{name}" if text is True else f"--{name} {text}" for name, text in preset.options.items()
    ]
    searched = [f"{name}={values}" for name, values in preset.parameters]
    return " ".join([preset.command, *searched, *options])


def _page(lines: Sequence[str]) -> Text:
    """The preview: what it is stands out, tables stay in line."""
    text = Text("\n", no_wrap=True).join(Text(line) for line in lines)
    text.stylize("bold", 0, len(lines[0]) if lines else 0)
    return text
