"""The launch form: a command, the options of `xt run`, and a preview of what would be run.

What the fields mean and whether they are right is decided by the engine, in the background, as the
user types. Parameters become options of the script, as on a command line.
Invariant: what is launched is what the fields say at that moment, and it is launched once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input, Label, Select, Static

from xt_core.errors import XTError
from xt_core.session import Session
from xt_core.submit.options import RunRequest, command_line
from xt_core.submit.owncommand import own_arguments_of
from xt_core.submit.presets import Preset
from xt_core.submit.submission import Submission
from xt_tui.acting.steering import as_told
from xt_tui.background import Background
from xt_tui.drafts import Drafts
from xt_tui.faults import COMMAND, Fault, in_line
from xt_tui.launching import Launching
from xt_tui.paths import short
from xt_tui.widgets.command import CommandInput
from xt_tui.widgets.option_fields import OptionFields
from xt_tui.widgets.parameters import Parameters

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_ABOUT_COMMAND = "brackets search, as --lr=[.1,.2]; right completes files, up recalls commands"
_AS_LEFT = "as you left it: ctrl+x empties it"
_EMPTIED = "emptied: ctrl+x brings it back"
_NO_SCRIPT = "no script given"
_LAUNCHING = "launching…"
_OWN_COMMAND = "a command of xt run: enter or tab takes its options into the fields below"
_PAUSE_SECONDS = 0.12
"""Without a key, before what was typed is looked at: a preview costs more than many keys."""


class LaunchScreen(ModalScreen[Submission | None]):
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
    class Previewed(Message):
        """What the request means, or why it means nothing."""

        typed: int
        request: RunRequest | None
        lines: list[str]
        faults: Sequence[Fault] = ()

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
        again: str = "",
        content: Preset | None = None,
    ) -> None:
        """`again` is the run or job that is launched once more, and `content` what it was."""
        super().__init__()
        self._session, self._drafts = session, drafts
        self._again, self._purpose = again, (session.team.name, again)
        self._first = content or Preset()
        """What the form says if nothing is typed."""
        self._emptied: Preset | None = None
        """What it said before it was emptied."""
        self._background = Background(self, "preview")
        self._launching = Launching(session)
        self._request: RunRequest | None = None
        """What the fields say, once it is known to be right."""
        self._typed = self._previewed_typed = 0
        """How often the content has changed, and up to which change it is previewed."""
        self._is_wanted = self._is_submitting = False
        self._pause: Timer | None = None
        """Runs while the user types."""
        self.command = CommandInput(session.cwd, id="command")
        self._options = OptionFields(session, id="options")
        self._preview = Static(id="preview", markup=False)
        self._go = Button(
            "Launch (ctrl+l)", id="go", variant="success", disabled=True, compact=True
        )
        self._copy = Button("Copy as command (ctrl+y)", id="copy", disabled=True, compact=True)

    def compose(self) -> ComposeResult:
        title = "Launch a run or a search"
        if self._again:
            title = f"Launch {self._again} again, with the code as it is now"
        with Vertical(classes="dialog", id="launch"):
            yield Static(title, classes="dialog-title", markup=False)
            yield Label(id="launch-folder", markup=False)
            yield self.command
            yield self._options
            yield Static(_ABOUT_COMMAND, id="field-help", classes="hint", markup=False)
            with VerticalScroll(id="preview-scroll"):
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
        self.run_worker(
            self._remember, thread=True, description="recent commands", exit_on_error=False
        )
        if self._first == Preset():
            self._changed()
        else:
            await self.fill(self._first)
            self._first = self.content  # as the fields say it
        if (draft := self._drafts.take(*self._purpose)) is not None:
            await self.fill(draft)
            self.describe(_AS_LEFT)

    def describe(self, note: str = "") -> None:
        """What the first field takes; before that, what has happened to the form."""
        where = f"script and arguments, in {short(self._session.cwd)}"
        self.query_one("#launch-folder", Label).update(f"{note} · {where}" if note else where)

    @property
    def content(self) -> Preset:
        """What the form says."""
        options, parameters = self._options.texts, tuple(self._options.parameters.written)
        return Preset(self.command.value.strip(), options, parameters)

    async def fill(self, content: Preset, *, focus: bool = True) -> None:
        """Say this and nothing else; the cursor goes to the command, with `focus` the keys too."""
        for name in await self._options.fill(content.options):
            text = f"{name} {content.options[name]} is left out: there is none any more"
            self.notify(text, severity="warning", markup=False)
        self.command.value = content.command
        self.command.cursor_position = len(content.command)
        await self._options.parameters.fill(list(content.parameters))
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
        """Only what must be is done at each key; the rest when no more comes for a while."""
        if not self._copy.is_attached:
            return  # the form is being built, or closes
        self._typed += 1
        self._is_wanted = False
        self._set_request(None)
        if self._pause is None:
            self._pause = self.set_timer(_PAUSE_SECONDS, self._look)
        else:
            self._pause.reset()

    def _look(self) -> None:
        """Have it found out, in the background, what the fields mean."""
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        typed, content = self._typed, self.content
        self._background.ask(lambda: self._previewed(typed, content))

    def _previewed(self, typed: int, content: Preset) -> Previewed:
        if not content.command and not content.options.get("multi-commands"):
            return self.Previewed(typed, None, ["write the command to run into the first line"])
        if own_arguments_of(content.command) is not None:
            return self.Previewed(typed, None, [_OWN_COMMAND])
        try:
            request, lines = self._launching.planned(content)
        except XTError as error:
            faults = self._launching.faults(content) or [Fault("", in_line(error))]
            return self.Previewed(typed, None, [], faults)
        return self.Previewed(typed, request, lines)

    @on(Previewed)
    def _show_preview(self, message: Previewed) -> None:
        if message.typed != self._typed or not self._copy.is_attached:
            return  # more has been typed since, or the form closes
        self._previewed_typed = message.typed
        faults = message.faults
        told = "\n".join(fault.text for fault in faults)
        self._say(told or _page(message.lines), is_error=bool(faults))
        self._mark(faults)
        self._set_request(message.request)
        if self._is_wanted:
            self.action_launch()

    def _say(self, text: Text | str, *, is_error: bool = False) -> None:
        self._preview.set_class(is_error, "error")
        self._preview.update(text)

    def _mark(self, faults: Sequence[Fault]) -> None:
        """The fields that are wrong say so."""
        wrong = {fault.field for fault in faults}
        self.query_one("#launch-folder").set_class(COMMAND in wrong, "wrong")
        self._options.mark(wrong)

    def _set_request(self, request: RunRequest | None) -> None:
        self._request = request
        self._go.disabled = request is None or self._is_submitting
        self._copy.disabled = request is None

    @on(CommandInput.Pasted)
    @on(Input.Blurred, "#command")
    def _take_over(self) -> bool:
        """Fill the fields from a command of XT's own; whether there is one."""
        from xt_tui.acting.takingover import take_over

        return take_over(self, self._launching)

    def tell_error(self, error: XTError) -> None:
        if self._copy.is_attached:  # it is not while the form closes
            self._say(in_line(error), is_error=True)

    # Acts -------------------------------------------------------------------------------

    @on(Button.Pressed, "#go")
    @on(Input.Submitted, "#command")
    def action_launch(self) -> None:
        """Launch what is previewed; what is not yet previewed, as soon as it is."""
        if self._is_submitting or self._take_over():
            return
        if self._request is None:
            self._await_preview()
            return
        self._is_wanted, self._is_submitting = False, True
        self._go.disabled = True
        self._say(_page(f"{_LAUNCHING} {self._preview.content}".splitlines()))
        request, content, app = self._request, self.content, cast("XtApp", self.app)
        self.run_worker(
            lambda: self._tell(app, content, self._submit(request)),
            thread=True,
            group="submit",
            description="submit",
            exit_on_error=False,
        )

    def _await_preview(self) -> None:
        content = self.content
        if not content.command and not content.options.get("multi-commands"):
            self._say(_NO_SCRIPT, is_error=True)
            self.command.focus()
            return
        self._is_wanted = True
        if self._pause is not None:
            self._look()
        if self._previewed_typed != self._typed:
            self._say(_LAUNCHING)

    def _submit(self, request: RunRequest) -> Submitted:
        try:
            return self.Submitted(self._launching.launch(request, self._warn))
        except Exception as failure:  # whatever it is, the form can be launched again
            error = as_told(failure)
            return self.Submitted(None, f"{error.message} {error.hint}".strip())

    def _tell(self, app: "XtApp", content: Preset, outcome: Submitted) -> None:
        """Called in a thread. Of a form that was closed meanwhile the app tells what came."""
        if self.is_attached and self.post_message(outcome):
            return
        if outcome.submission is not None:
            app.call_later(self._drafts.launched, *self._purpose, content)
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
        if self._copy.is_attached:  # it is not while the form closes
            self._say(message.error, is_error=True)
            self._set_request(self._request)

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        """Enter launches from the command only; elsewhere a field is done."""
        if event.input is not self.command:
            self.focus_next()

    def action_add_parameter(self) -> None:
        self._options.parameters.add()

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        if self._request is not None:
            self.app.copy_to_clipboard(command_line(self._request))
            self.notify(command_line(self._request), title="copied", markup=False)

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


def _page(lines: Sequence[str]) -> Text:
    """The preview: what it is stands out, tables stay in line."""
    text = Text("\n", no_wrap=True).join(Text(line) for line in lines)
    text.stylize("bold", 0, len(lines[0]) if lines else 0)
    return text
