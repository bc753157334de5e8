"""The launch form: a command, the options of `xt run`, and a preview of what would be run.

Parameters become options of the script, as on a command line.
Invariant: what is launched is what the fields say at that moment, and it is launched once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Button, Input, Label, Select, Static

from xt_core.errors import XTError
from xt_core.session import Session
from xt_core.submit.again import Again
from xt_core.submit.options import RunRequest, command_line
from xt_core.submit.presets import Preset
from xt_core.submit.submission import Submission
from xt_tui.acting.steering import as_told
from xt_tui.drafts import Drafts
from xt_tui.faults import COMMAND, Fault, in_line
from xt_tui.launching import Launching
from xt_tui.paths import short
from xt_tui.screens.outcome import OutcomeScreen
from xt_tui.telling import ACTS
from xt_tui.threads import read
from xt_tui.widgets.command import CommandInput
from xt_tui.widgets.option_fields import OptionFields
from xt_tui.widgets.parameters import Parameters
from xt_tui.widgets.preview import Preview, is_empty

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_ABOUT_COMMAND = "brackets search, as --lr=[.1,.2]; right completes files, up recalls commands"
_AS_LEFT = "as you left it: ctrl+x empties it"
_EMPTIED = "emptied: ctrl+x brings it back"
_NO_SCRIPT = "no script given"
_LAUNCHING = "launching…"


class LaunchScreen(OutcomeScreen[Submission | None]):
    """Ends with the submission, or None. What was typed into a form that is left is a draft, which
    the next form of its purpose begins with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "close"),
        Binding("ctrl+l", "launch", "launch"),
        Binding("ctrl+y", "copy", "copy as command"),
        Binding("ctrl+n", "add_parameter", "new parameter", priority=True),
        Binding("ctrl+f", "choose_script", "scripts", priority=True),
        Binding("ctrl+r", "choose_preset", "presets"),
        Binding("ctrl+s", "save_preset", "save as preset"),
        Binding("ctrl+x", "empty", "empty the form, or bring back what it said", priority=True),
        # First of all, so that what is typed after them goes to the next field, however fast.
        Binding("tab", "app.focus_next", "next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "field before", show=False, priority=True),
    ]

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
        """What was launched and logged lately, the newest first."""

        commands: list[str]
        metrics: list[str]

    def __init__(
        self,
        session: Session,
        drafts: Drafts,
        *,
        again: Again | None = None,
        content: Preset | None = None,
    ) -> None:
        """`again` is the run or job that is launched once more, and `content` what it was."""
        super().__init__()
        self._session, self._drafts = session, drafts
        self._again = again
        self._purpose = (session.team.name, again.origin if again else "")
        self._first = content or Preset()
        """What the form says if nothing is typed."""
        self._emptied: Preset | None = None
        """What it said before it was emptied."""
        self._launching = Launching(session, again)
        self._is_wanted = self._is_submitting = False
        self._submitted = Preset()
        """What it said when it was launched last."""
        self.command = CommandInput(session.cwd, id="command")
        self._options = OptionFields(session, id="options")
        self._preview = Preview(self._launching, lambda: self.content, self._show_request)
        self._go = Button(
            "Launch (ctrl+l)", id="go", variant="success", disabled=True, compact=True
        )
        self._copy = Button("Copy as command (ctrl+y)", id="copy", disabled=True, compact=True)

    def compose(self) -> ComposeResult:
        title = "Launch a run or a search"
        if self._again is not None:
            title = f"Launch {self._again.name} again, with the code as it is now"
        with Vertical(classes="dialog", id="launch"):
            yield Static(title, classes="dialog-title", markup=False)
            yield Label(id="launch-folder", markup=False)
            yield self.command
            yield self._options
            yield Static(_ABOUT_COMMAND, id="field-help", classes="hint", markup=False)
            yield self._preview
            with Horizontal(classes="buttons"):
                yield self._go
                yield self._copy
                yield Button("Close (esc)", id="close", compact=True)
            yield Static(
                "tab next field · ctrl+f scripts · ctrl+r presets · ctrl+s saves as preset",
                classes="hint",
                markup=False,
            )

    async def on_mount(self) -> None:
        self.command.focus()
        self.describe()
        remembering = read(self._remember)
        self.app.run_worker(remembering, description="recent commands", exit_on_error=False)
        if self._first == Preset():
            self._changed()
        else:
            await self.fill(self._first)
            if self._is_closing:
                return
            self._first = self.content  # as the fields say it
        if (draft := self._drafts.take(*self._purpose)) is not None:
            await self.fill(draft)
            if not self._is_closing:
                self.describe(_AS_LEFT)

    @property
    def _is_closing(self) -> bool:
        """Whether its fields are gone: the app may be told to end at any time."""
        return not self.query("#command")

    def describe(self, note: str = "") -> None:
        """What the first field takes; before that, what has happened to the form."""
        where = f"script and arguments, in {short(self._session.cwd)}"
        for label in self.query("#launch-folder").results(Label):  # none while the form closes
            label.update(f"{note} · {where}" if note else where)

    @property
    def content(self) -> Preset:
        """What the form says."""
        options, parameters = self._options.texts, tuple(self._options.parameters.written)
        return Preset(self.command.value.strip(), options, parameters)

    async def fill(self, content: Preset, *, focus: bool = True) -> None:
        """Say this and nothing else; the cursor goes to the command, with `focus` the keys too."""
        left_out = await self._options.fill(content.options)
        if self._is_closing:
            return
        for name in left_out:
            text = f"{name} {content.options[name]} is left out: there is none any more"
            self.notify(text, severity="warning", markup=False)
        self.command.value = content.command
        self.command.cursor_position = len(content.command)
        await self._options.parameters.fill(list(content.parameters))
        if self.is_left or self._is_closing:
            return
        self.describe()
        if focus or self.focused is None:
            self.command.focus()
        self._changed()

    async def action_empty(self) -> None:
        """Say what the form began with; or, if that has just been done, what it said before."""
        content = self.content
        if content != self._first:
            self._emptied = content
            await self.fill(self._first)
            if not self._is_closing:
                self.describe(_EMPTIED)
        elif self._emptied is not None:
            await self.fill(self._emptied)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where a part of a text is selected, ctrl+x cuts it. (All of it is selected when a field
        gets the keys.)"""
        field = self.focused
        is_cut = isinstance(field, Input) and field.selected_text not in ("", field.value)
        return action != "empty" or not is_cut

    @on(Button.Pressed, "#close")
    def action_leave(self) -> None:
        if self.content != self._first:
            self._drafts.keep(*self._purpose, self.content)
        self.dismiss(None)

    @on(DescendantFocus)
    def _tell_of_field(self, event: DescendantFocus) -> None:
        """The field that has the keys is explained."""
        text = self._options.help_of(event.widget)
        if not text and event.widget is self.command:
            text = _ABOUT_COMMAND
        for part in self.query("#field-help").results(Static):
            part.update(text, layout=False)  # its height is fixed: fields do not move

    # Preview ----------------------------------------------------------------------------

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Parameters.TakenOut)
    def _changed(self) -> None:
        if self._copy.is_attached:  # it is not while the form is built, or closes
            self._is_wanted = False
            self._preview.note_change()

    def _show_request(self) -> None:
        """Offer what can be done with what the fields say; do what is waited for."""
        if self.is_left:
            return
        request = self._preview.request
        self._mark(self._preview.faults)
        self._go.disabled = request is None or self._is_submitting
        self._copy.disabled = request is None
        if self._is_wanted and self._preview.is_current:
            self.action_launch()

    def _mark(self, faults: Sequence[Fault]) -> None:
        """The fields that are wrong say so."""
        wrong = {fault.field for fault in faults}
        self.query("#launch-folder").set_class(COMMAND in wrong, "wrong")
        self._options.mark(wrong)

    @on(CommandInput.Pasted)
    @on(Input.Blurred, "#command")
    def _take_over(self) -> bool:
        """Fill the fields from a command of XT's own; whether there is one."""
        from xt_tui.acting.takingover import take_over

        return take_over(self, self._launching)

    def tell_error(self, error: XTError) -> None:
        if self._copy.is_attached:  # it is not while the form closes
            self._preview.say(in_line(error), is_error=True)

    # Acts -------------------------------------------------------------------------------

    @on(Button.Pressed, "#go")
    @on(Input.Submitted, "#command")
    def action_launch(self) -> None:
        """Launch what is previewed; what is not yet previewed, as soon as it is."""
        if self._is_submitting or self._take_over():
            return
        request, app = self._preview.request, cast("XtApp", self.app)
        if request is None:
            self._await_preview()
            return
        self._is_wanted, self._is_submitting = False, True
        self._submitted = self.content
        self._go.disabled = True
        self._preview.say_above(_LAUNCHING)
        app.run_worker(
            lambda: self._tell(app, self._submit(request)),
            thread=True,
            group=ACTS,
            description="submit",
            exit_on_error=False,
        )

    def _await_preview(self) -> None:
        if is_empty(self.content):
            self._preview.say(_NO_SCRIPT, is_error=True)
            self.command.focus()
            return
        self._is_wanted = True
        self._preview.hurry()
        if not self._preview.is_current:
            self._preview.say(_LAUNCHING)

    def _submit(self, request: RunRequest) -> Submitted:
        try:
            return self.Submitted(self._launching.launch(request, self._warn))
        except Exception as failure:  # whatever it is, the form can be launched again
            error = as_told(failure)
            return self.Submitted(None, f"{error.message} {error.hint}".strip())

    def _tell(self, app: "XtApp", outcome: Submitted) -> None:
        """Called in a thread."""
        if not (self.is_attached and self.post_message(outcome)):
            app.call_later(self._tell_of_left, app, outcome)

    def _tell_of_left(self, app: "XtApp", outcome: Submitted) -> None:
        """Of a form that was left meanwhile the app tells what came."""
        if outcome.submission is not None:
            self._drafts.launched(*self._purpose, self._submitted)
            app.tell_launched(outcome.submission, self._purpose[0])
        else:
            app.notify(outcome.error, title="not launched", severity="error", markup=False)

    def _warn(self, text: str) -> None:
        self.post_message(self.Noted(text))

    @on(Noted)
    def _note(self, message: Noted) -> None:
        self.app.notify(message.text, severity="warning", markup=False)

    @on(Submitted)
    def _end_or_tell(self, message: Submitted) -> None:
        if self.is_left:
            self._tell_of_left(cast("XtApp", self.app), message)
        elif message.submission is not None:
            self.end_with(message.submission)  # until then it submits: it is launched once
        else:
            self._is_submitting = False
            self._preview.say(message.error, is_error=True)
            self._show_request()

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        """Enter launches from the command only; elsewhere a field is done."""
        if event.input is not self.command:
            self.focus_next()

    def action_add_parameter(self) -> None:
        self._options.parameters.add()

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        if (request := self._preview.request) is not None:
            self.app.copy_to_clipboard(command_line(request))
            self.notify(command_line(request), title="copied", markup=False)

    # Presets, scripts, earlier commands -------------------------------------------------

    def _remember(self) -> None:
        """Look up what was launched lately, in a thread."""
        commands = self._launching.recent_commands()
        self.post_message(self.Remembered(commands, self._launching.known_metrics()))

    @on(Remembered)
    def _take_history(self, message: Remembered) -> None:
        self.command.remember(message.commands)
        self._options.remember_metrics(message.metrics)

    def action_choose_script(self) -> None:
        from xt_tui.acting import scripts

        scripts.choose(self, self._session.cwd, self._launching)

    def action_choose_preset(self) -> None:
        from xt_tui.acting import presets

        presets.choose(self, self._session.team_home)

    def action_save_preset(self) -> None:
        from xt_tui.acting import presets

        presets.save(self, self._session.team_home)
