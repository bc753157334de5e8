"""The launch form: searches put together field by field, and launched on a real controller."""

import json
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from support import Xt
from textual import events
from textual.pilot import Pilot
from textual.widgets import Collapsible, Input, Select, Static
from tui_support import text_of, told, until, until_loaded

from xt_core.errors import RefusedError, UsageError, XTError
from xt_core.reports.search import objectives_of
from xt_core.search.spec import ALGORITHMS
from xt_core.search.stopping import policies
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_core.submit.command import find_search_options
from xt_core.submit.parameters import check_parameter, with_parameters, without_parameters
from xt_core.submit.presets import Preset
from xt_core.submit.submission import Submission
from xt_tui.acting.scripts import with_script
from xt_tui.app import XtApp
from xt_tui.screens.launch import LaunchScreen
from xt_tui.widgets.choice_field import ChoiceField, ChoiceList
from xt_tui.widgets.field_label import FieldLabel
from xt_tui.widgets.one_line import in_one_line
from xt_tui.widgets.parameters import ParameterRow
from xt_tui.widgets.stopping import Stopping

SCRIPT = """
import sys
from xt_core import Run
run = Run()
given = dict(word[2:].split("=") for word in sys.argv[1:])
for step in range(1, 4):
    run.log_metrics({"loss": float(given["lr"]) / step, "size": len(given["opt"])}, step=step)
"""
DRAWN = [("lr", "$loguniform(-5, -1)"), ("opt", "adam, sgd")]
LISTED = [("lr", "[.1, .2]"), ("opt", "[adam, sgd]")]
SETTINGS = {
    "median": "min-runs=1",
    "percentile": "min-runs=1,percentile=40",
    "truncation": "truncation-percentage=30",
    "bandit": "slack-factor=0.1",
    "asha": "reduction-factor=2,min-steps=1",
    "hyperband": "reduction-factor=2,min-steps=1,max-steps=3",
    "threshold": "upper=5",
    "patience": "patience=2,min-delta=0.01",
}
"""For each policy, in the order of its settings, what a user may write."""


async def open_form(pilot: Pilot[int], command: str = "t.py") -> LaunchScreen:
    app = pilot.app
    assert isinstance(app, XtApp)
    await until(pilot, lambda: app.state.loaded)
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
    form = app.screen
    assert isinstance(form, LaunchScreen)
    form.query_one("#command", Input).value = command
    return form


async def write_parameters(
    pilot: Pilot[int], form: LaunchScreen, parameters: list[tuple[str, str]]
) -> None:
    for rows, (name, values) in enumerate(parameters, len(form.query(ParameterRow))):
        row = form.query(ParameterRow).last()
        row.name_input.value, row.values_input.value = name, values
        await until(pilot, partial(_has_rows, form, rows + 1))


def _has_rows(form: LaunchScreen, number: int) -> bool:
    return len(form.query(ParameterRow)) == number


def write(form: LaunchScreen, **texts: str) -> None:
    """Values of options, with underscores for hyphens."""
    for name, text in texts.items():
        field = form.query_one(f"#option-{name.replace('_', '-')}")
        assert isinstance(field, Input | Select)
        field.value = text


def states(form: LaunchScreen) -> list[str]:
    return [str(part.render()) for part in form.query(".parameter-state").results(Static)]


def errors(form: LaunchScreen) -> list[str]:
    shown = form.query(".parameter-remark").results(Static)
    return [str(part.render()) for part in shown if not part.has_class("hidden")]


def wrong(form: LaunchScreen) -> list[str]:
    """The fields that are marked as wrong."""
    return [label.field for label in form.query(FieldLabel) if label.has_class("wrong")]


def preview(form: LaunchScreen) -> str:
    return str(form.query_one("#preview", Static).render())


async def until_copied(pilot: Pilot[int], command: str) -> None:
    """Wait until "copy as command" gives a command."""
    app = pilot.app
    form = app.screen
    assert isinstance(form, LaunchScreen)

    def is_copied() -> bool:
        form.action_copy()
        return app.clipboard == command

    await until(pilot, is_copied, command)


def session_of(xt: Xt) -> Session:
    return Session(home=xt.home, cwd=xt.code, environ=xt.environ)


# Launched -------------------------------------------------------------------------------


async def test_each_algorithm_is_launched_from_the_form(xt: Xt) -> None:
    xt.script("t.py", SCRIPT)
    session = session_of(xt)
    async with XtApp(session).run_test(size=(120, 50)) as pilot:
        for algorithm in ALGORITHMS:
            form = await open_form(pilot)
            await write_parameters(pilot, form, LISTED if algorithm == "grid" else DRAWN)
            metric = "loss,size:max" if algorithm == "nsga2" else "loss"
            write(form, search_type=algorithm, concurrent="2", seed="7", primary_metric=metric)
            write(form, goal="minimize", **({} if algorithm == "grid" else {"runs": "4"}))
            await until(pilot, partial(may_launch, form), "a right form")
            await pilot.press("ctrl+l")
            await until(pilot, partial(is_left, form), algorithm)
    for number, algorithm in enumerate(ALGORITHMS, 1):
        assert xt.wait_job(f"job{number}") == "completed", algorithm
        children = xt.children(f"job{number}")
        assert [str(run.status) for run in children] == ["completed"] * 4, algorithm
        assert {tuple(run.hparams) for run in children} == {("lr", "opt")}
        job = session.store.job(f"job{number}")
        assert (job.search_type, job.work_items, job.concurrent) == (algorithm, 4, 2)
        assert job.seed == 7
        assert job.style == ("static" if algorithm in ("grid", "random") else "dynamic")
        wanted = [("loss", False), ("size", True)] if algorithm == "nsga2" else [("loss", False)]
        assert [(each.metric, each.maximize) for each in objectives_of(job)] == wanted
    session.close()


async def test_each_early_stopping_policy_is_launched_from_the_form(xt: Xt) -> None:
    xt.script("t.py", SCRIPT)
    session = session_of(xt)
    space = "'--lr=[$loguniform(-5, -1)]' '--opt=[adam, sgd]'"
    asked = "xt run --runs 3 --primary-metric loss --minimize --early-stopping"
    async with XtApp(session).run_test(size=(120, 50)) as pilot:
        for policy in policies():
            form = await open_form(pilot)
            await write_parameters(pilot, form, DRAWN)
            write(form, runs="3", primary_metric="loss", goal="minimize", early_stopping=policy)
            for name, text in settings_of(policy).items():
                await until(pilot, partial(form.query, f"#{policy}-{name}"))
                form.query_one(f"#{policy}-{name}", Input).value = text
            await until_copied(pilot, f"{asked} {policy},{SETTINGS[policy]} t.py {space}")
            await pilot.press("ctrl+l")
            await until(pilot, partial(is_left, form), policy)
    for number, policy in enumerate(policies(), 1):
        assert xt.wait_job(f"job{number}") == "completed", policy
        assert [str(run.status) for run in xt.children(f"job{number}")] == ["completed"] * 3
        recorded = json.loads(xt.artifact(f"ws1/jobs/job{number}/mrc.json"))["stopping"]
        assert recorded["early-policy"] == policy
        settings = settings_of(policy)
        assert {name: recorded[name] for name in settings} == {
            name: float(text) for name, text in settings.items()
        }
    session.close()


def settings_of(policy: str) -> dict[str, str]:
    """What is written for a policy, by setting."""
    return dict(pair.split("=") for pair in SETTINGS[policy].split(","))


def is_left(form: LaunchScreen) -> bool:
    """Whether the form is no longer there."""
    return not form.is_attached


# Put together ---------------------------------------------------------------------------


async def test_a_search_is_put_together_by_keyboard_alone(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(80, 24)) as pilot:
        await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        await pilot.press(*"t.py", "ctrl+n", *"lr", "tab", *"[.1,.2]", "ctrl+n", *"opt", "tab")
        await pilot.press(*"adam,", "space", *"sgd", "tab", "tab", "tab", "tab")
        assert form.focused is form.query_one("#option-search-type")
        await pilot.press("enter", *"rand", "enter", "tab", *"5")
        await until_copied(
            pilot, "xt run --runs 5 --search-type random t.py '--lr=[.1,.2]' '--opt=[adam, sgd]'"
        )


async def test_a_row_says_whether_it_is_right_and_can_be_taken_out(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(120, 50)) as pilot:
        await until_loaded(pilot, 7)
        form = await open_form(pilot, "t.py -- x")
        await write_parameters(pilot, form, [("lr", "$uniform(0)"), ("opt", "a, b, c")])
        await until(pilot, lambda: states(form) == ["✘", "✔ 3 values", ""])
        [error] = errors(form)
        assert "write it as [$uniform(low, high)]" in error
        form.query(ParameterRow)[1].values_input.value = "$loguniform(0.0001, 1)"
        await until(pilot, lambda: states(form)[1] == "⚠ 1.0001 … 2.72 (e^0.0001…e^1)")
        meant = "⚠ bounds are exponents: for 0.0001 … 1 write $loguniform(-9.21, 0)"
        await until(pilot, lambda: errors(form) == [error, meant])
        form.query(ParameterRow)[1].values_input.value = "a, b, c"
        await until(pilot, lambda: states(form)[1] == "✔ 3 values")
        await until(pilot, lambda: "$uniform with 1 arguments" in preview(form))
        row = form.query(ParameterRow).first()
        row.values_input.focus()
        await until(pilot, lambda: errors(form) == [], "no long error while the row is written")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: states(form) == ["✔ 3 values", ""])
        await until_copied(pilot, "xt run t.py '--opt=[a, b, c]' -- x")


async def test_what_is_missing_or_hardly_meant_is_said(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    session.store.change_run(RunChange("ws1", "run1.1", fields={"command": "t.py --n=1"}))
    async with XtApp(session).run_test(size=(120, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await open_form(pilot, "")
        form.query_one("#option-seed", Input).focus()
        await pilot.press("ctrl+l")
        await until(pilot, lambda: preview(form) == "no script given")
        assert form.focused is form.command
        form.command.value = "t.py --lr=[.1"
        await until(pilot, lambda: "the bracket of --lr=[.1 is not closed" in preview(form))
        form.command.value = "t.py --lr=[$log]"
        await until(pilot, lambda: "⚠ lr: $log is taken as a text; distributions:" in preview(form))
        metric = form.query_one("#option-primary-metric", Input)
        metric.focus()
        await pilot.press(*"lo")
        await until(pilot, lambda: metric._suggestion == "loss")
        await pilot.press("right")
        assert metric.value == "loss"
        form.command.value = "./t.py --n=3"
        metric.value = "los:min"
        hint = "⚠ no earlier run of t.py logged los: they logged loss"
        await until(pilot, lambda: hint in preview(form))
        assert may_launch(form)
        # XT's own command, pasted and typed
        form.command.focus()
        form.command.value = ""
        lines = ("# four of them", "$ xt run --runs 4 --attach \\", "  t.py --lr=[.1,.2]  # both")
        app.post_message(events.Paste("\n".join(lines)))
        await until(pilot, lambda: form.content == Preset("t.py '--lr=[.1,.2]'", {"runs": "4"}))
        assert "taken over from xt run: --runs ·" in text_of(app)
        assert told(app)[-1] == "--attach left out: the form has no such field"
        form.command.value = "python -m xt_core run --concurrent 2 t.py"
        await until(pilot, lambda: "a command of xt run: enter or tab" in preview(form))
        await pilot.press("enter")
        await until(pilot, lambda: form.content == Preset("t.py", {"concurrent": "2"}))
        form.command.value = "# xt run --runs 2 t.py --tag=a#b  # as root"
        await pilot.press("enter")
        await until(pilot, lambda: form.content == Preset("t.py '--tag=a#b'", {"runs": "2"}))
        form.command.value = "xt run --moon t.py"
        await pilot.press("enter")
        await until(pilot, lambda: "unrecognized arguments: --moon" in preview(form))
        assert app.screen is form


async def test_only_the_settings_of_the_chosen_policy_are_shown(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(120, 60)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await open_form(pilot)
        stopping = form.query_one(Stopping)
        assert not [field for field in stopping.query(Input) if field.region]
        write(form, early_stopping="bandit")
        await until(pilot, lambda: "slack-factor" in text_of(app))
        visible = [field.id for field in stopping.query(Input) if field.region]
        assert visible == [
            "bandit-delay-evaluation",
            "bandit-evaluation-interval",
            "bandit-min-runs",
            "bandit-slack-factor",
            "bandit-slack-amount",
        ]
        form.query_one("#bandit-slack-factor", Input).value = "0.2"
        write(form, early_stopping="patience")
        await until(pilot, lambda: stopping.text == "patience")
        write(form, early_stopping="none")
        await until(pilot, lambda: stopping.text == "none")
        await until_copied(pilot, "xt run --early-stopping none t.py")


async def test_a_choice_is_found_by_the_letters_that_it_begins_with(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(100, 30)) as pilot:
        await until_loaded(pilot, 7)
        form = await open_form(pilot)
        policy = form.query_one("#option-early-stopping", ChoiceField)
        policy.focus()
        await pilot.press("a", "s", "enter")
        await until(pilot, lambda: policy.value == "asha")
        assert pilot.app.focused is policy
        await pilot.press("enter", *"band", "enter")
        await until(pilot, lambda: policy.value == "bandit")
        await pilot.press(*"halving")
        opened = policy.query_one(ChoiceList)
        assert opened.highlighted_option is not None
        assert str(opened.highlighted_option.prompt) == "asha · asynchronous successive halving"
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is policy)
        await pilot.press("down", "home", "enter")
        await until(pilot, lambda: policy.value is Select.NULL)


async def test_what_an_empty_field_says_is_cut_where_the_field_ends(session: Session) -> None:
    async with XtApp(session).run_test(size=(80, 30)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await open_form(pilot)
        write(form, early_stopping="asha")
        await until(pilot, lambda: form.query("#asha-min-runs"))
        field = form.query_one("#asha-delay-evaluation", Input)
        form.query_one("#options").scroll_to_widget(field, animate=False)
        await until(pilot, lambda: "0 · no run is …" in text_of(app))
        field.focus()  # what is not laid out yet takes no keys
        told = "delay-evaluation: no run is judged before this step"
        await until(pilot, lambda: told in text_of(app))
        await pilot.resize_terminal(140, 40)
        await until(pilot, lambda: "0 · no run is judged before this step " in text_of(app))


async def test_a_wrong_setting_is_told_and_nothing_can_be_launched(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(120, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await open_form(pilot, "t.py --lr=[1,2]")
        write(form, early_stopping="asha")
        await until(pilot, lambda: form.query("#asha-reduction-factor"))
        form.query_one("#asha-reduction-factor", Input).value = "1"
        await until(
            pilot, lambda: "reduction-factor must be a whole number of at least 2" in preview(form)
        )
        assert form.query_one("#go").disabled
        assert wrong(form) == ["early-stopping.reduction-factor"]
        assert "reduction-factor ✘" in text_of(app)
        await form._options.show_more()
        write(form, runs="abc", retries="x")
        await until(pilot, lambda: "--retries x is not a number" in preview(form))
        assert preview(form).splitlines()[0] == "--runs abc is not a number"
        assert "reduction-factor must be a whole number of at least 2" in preview(form)
        assert wrong(form) == ["runs", "early-stopping.reduction-factor", "retries"]
        write(form, early_stopping="none", runs="", retries="")
        await until(pilot, lambda: "static grid: 2 runs" in preview(form))
        assert wrong(form) == []


async def test_a_launch_ends_though_its_form_was_closed_and_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = threading.Event()
    outcomes: list[Submission | XTError] = [
        RefusedError("no room", "make some"),
        Submission("ws1", "job7", ["run7"], "single", 1, ["node0"]),
    ]

    def submit_slowly(*_given: object) -> Submission:
        assert closed.wait(60)
        outcome = outcomes.pop(0)
        if isinstance(outcome, XTError):
            raise outcome
        return outcome

    monkeypatch.setattr("xt_tui.launching.submit", submit_slowly)
    (session.cwd / "t.py").write_text("")
    async with XtApp(session).run_test(size=(120, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        for text in ("no room make some", "job7: 1 run (single)"):
            closed.clear()
            form = await open_form(pilot)
            await until(pilot, partial(may_launch, form))
            await pilot.press("ctrl+l", "ctrl+l")
            assert preview(form).startswith("launching… single: 1 run")
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
            closed.set()
            await until(pilot, partial(is_told, app, text))


def may_launch(form: LaunchScreen) -> bool:
    return not form.query_one("#go").disabled


def is_told(app: XtApp, text: str) -> bool:
    return told(app)[-1:] == [text]


async def test_a_form_that_was_left_opens_as_it_was_until_it_is_launched(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = Submission("ws1", "job7", ["run7"], "static", 2, ["node0"])
    monkeypatch.setattr("xt_tui.launching.submit", lambda *_given: submission)
    (session.cwd / "t.py").write_text("")
    written = Preset("t.py --n=3", {"runs": "2", "max-runs": "1"}, (("lr", ".1, .2"),))
    async with XtApp(session).run_test(size=(80, 24)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await open_form(pilot, "")
        await pilot.press("escape", "n")  # nothing was typed: nothing is kept
        form = await reopened(pilot, form)
        assert "as you left it" not in text_of(app)
        await form.fill(written)
        await pilot.press("ctrl+g", "n")
        form = await reopened(pilot, form)
        await until(pilot, lambda: "as you left it: ctrl+x empties it" in text_of(app))
        assert form.content == written
        assert app.focused is form.query_one("#command")
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "emptied: ctrl+x brings it back" in text_of(app))
        assert form.content == Preset()
        await pilot.press("ctrl+x")
        await until(pilot, lambda: form.content == written)
        await pilot.press(*" x", "shift+left", "ctrl+x")  # what is selected is cut
        assert form.content == replace(written, command="t.py --n=3")
        app.post_message(events.Paste("--m=4 \\\n   --k\n"))
        await until(pilot, lambda: form.content.command == "t.py --n=3 --m=4 --k")
        await until(pilot, partial(may_launch, form))
        await pilot.press("escape", "n")
        form = await reopened(pilot, form)
        await until(pilot, partial(may_launch, form))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("n")
        form = await reopened(pilot, form)
        assert form.content == Preset()
        await form.fill(Preset("t.py", {"target": "moon", "runs": "2"}))
        assert form.content == Preset("t.py", {"runs": "2"})
        assert told(app)[-1] == "target moon is left out: there is none any more"


async def reopened(pilot: Pilot[int], before: LaunchScreen) -> LaunchScreen:
    """The form once it is there again."""
    app = pilot.app

    def form() -> LaunchScreen | None:
        is_new = isinstance(app.screen, LaunchScreen) and app.screen is not before
        return app.screen if is_new and app.screen.query("#preview") else None  # type: ignore[return-value]

    found: LaunchScreen = await until(pilot, form)
    await until(pilot, lambda: app.focused is not None)
    return found


async def test_rare_options_are_folded_away_and_a_file_name_is_completed(session: Session) -> None:
    (session.cwd / "t.py").write_text("")
    (session.cwd / "space.yaml").write_text("hparams: {lr: [1, 2]}\n")
    async with XtApp(session).run_test(size=(80, 24)) as pilot:
        app = await until_loaded(pilot, 7)
        form = await open_form(pilot)
        assert not form.query("#option-tags")
        field = form.query_one("#option-hp-config", Input)
        field.focus()
        await pilot.press(*"sp")
        await until(pilot, lambda: field._suggestion == "space.yaml")
        await pilot.press("right")
        await until(pilot, lambda: "static grid: 2 runs" in preview(form))
        more = form.query_one("#more", Collapsible)
        more.query_one("CollapsibleTitle").focus()
        await pilot.press("enter")
        await until(pilot, lambda: form.query("#option-max-runs"))
        await until(pilot, lambda: "max-runs" in text_of(app))
        assert form.query_one("#option-max-runs").region


@pytest.mark.parametrize(
    ("pasted", "line"),
    [
        ("t.py --a 1", "t.py --a 1"),
        ("\ntorchrun \\\r\n    t.py \\\n  --a 1\n", "torchrun t.py --a 1"),
        ("[\n  0.1,\n  0.2\n]", "[ 0.1, 0.2 ]"),
        ("\n", ""),
    ],
)
def test_what_is_pasted_becomes_one_line(pasted: str, line: str) -> None:
    assert in_one_line(pasted) == line


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("", "'new one.py'"),
        ("t.py --a='b c' # x", "'new one.py' --a='b c' # x"),
        ("'my t.py' --n=3", "'new one.py' --n=3"),
        ("'my t.py --n=3", "'new one.py'"),
    ],
)
def test_another_script_leaves_the_arguments_as_they_are(command: str, changed: str) -> None:
    assert with_script(command, "new one.py") == changed


# Parameters as options ------------------------------------------------------------------


def test_parameters_become_options_before_a_literal_end_of_options() -> None:
    made = with_parameters(["t.py", "--", "x"], [("lr", "1, 2"), ("n", "[$randint(3)]")], "--")
    assert made == ["t.py", "--lr=[1, 2]", "--n=[$randint(3)]", "--", "x"]
    assert with_parameters(["t.py"], [("lr", "[1]")], "") == ["t.py", "lr=[1]"]
    assert with_parameters(["t.py"], [], None) == ["t.py"]


@pytest.mark.parametrize(
    ("command", "kept", "parameters"),
    [
        ("t.py --lr=[.1,.2] --n=3 -v --opt=[a, b]", "t.py --n=3 -v", "lr opt"),
        ("t.py --lr=[1,2] --n 3 --opt=[a] -- --x=[1]", "t.py --n 3 -- --x=[1]", "lr opt"),
        ("t.py --lr=[1,2] fit --opt=[a,b]", "t.py --lr=[1,2] fit", "opt"),
        ("t.py -o=[1,2] --lr [1,2]", "t.py -o=[1,2] --lr [1,2]", ""),
    ],
)
def test_what_a_command_searches_fills_rows_if_it_is_the_same_there(
    command: str, kept: str, parameters: str
) -> None:
    words = command.replace(", ", ",").split()
    found = without_parameters(words, "--")
    assert (" ".join(found[0]), [name for name, _ in found[1]]) == (kept, parameters.split())
    there, before = (
        find_search_options(each, "--") for each in (with_parameters(*found, "--"), words)
    )
    assert (there.space, sorted(there.args)) == (before.space, sorted(before.args))


def test_rows_are_filled_by_the_prefix_of_the_scripts_options() -> None:
    words = ["t.py", "a=1", "lr=[1,2]"]
    assert without_parameters(words, "") == (["t.py", "a=1"], [("lr", "[1,2]")])
    assert without_parameters([*words, "fit"], "") == ([*words, "fit"], [])
    assert without_parameters(words, None) == (words, [])


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("", "1, 2", "a parameter without a name"),
        ("lr", " ", "hyperparameter lr has no values"),
        ("a b", "1", "'a b' is no name of an option"),
        ("lr", "$uniforme(0, 1)", "unknown distribution"),
        ("lr", "[1, 2", "the values are not in square brackets"),
    ],
)
def test_what_a_row_cannot_mean_is_told(name: str, values: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_parameter(name, values)


def test_without_a_prefix_parameters_belong_into_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="option-prefix is null") as caught:
        with_parameters(["t.py"], [("lr", "1")], None)
    assert "hp-config" in str(caught.value.hint)
