"""What is done to runs and jobs by key: notes, archive, rerun, commands to copy, files opened."""

import asyncio
import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Button, Input, OptionList, Static, TextArea
from tui_support import names, text_of, told, until, until_loaded

from xt_core.cli.main import main
from xt_core.errors import ExitCode, UsageError
from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus
from xt_core.query.views import ChosenColumn, View
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_core.submit.mrc import Asked, MultiRunConfig, NodeContext, mrc_key
from xt_core.submit.presets import Preset, presets, save_preset
from xt_tui.acting.again import table_command
from xt_tui.app import XtApp
from xt_tui.panes.records import RecordsPane
from xt_tui.screens.choose import ChoiceScreen
from xt_tui.screens.compare import CompareScreen
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.help import HelpScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.screens.note import NoteScreen
from xt_tui.widgets.option_fields import OptionFields
from xt_tui.widgets.parameters import Parameters
from xt_tui.widgets.side_by_side import SideBySide


async def test_notes_are_written_here_or_in_the_editor(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_program: str, file: Path, _role: str, _variable: str) -> None:
        file.write_text(file.read_text() + "by the editor\n")

    monkeypatch.setattr("xt_tui.acting.programs.open_file", write)
    monkeypatch.setattr(App, "suspend", lambda _self: contextlib.nullcontext())
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, NoteScreen))
        await pilot.press("h", "i", "escape")  # what was written is not lost by one key
        assert "not saved" in text_of(app)
        await pilot.press("ctrl+e")
        assert app.screen.query_one(TextArea).text == "hi\nby the editor"
        monkeypatch.setattr("xt_tui.acting.programs.open_file", lambda _p, file, *_: file.unlink())
        await pilot.press("ctrl+e")  # an editor may leave nothing
        assert app.screen.query_one(TextArea).text == "hi\nby the editor"
        assert "cannot be read: No such file" in told(app)[-1]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: told(app)[-1] == "notes of run1.1 set")
        assert session.store.run("ws1", "run1.1").notes == "hi\nby the editor"
        assert app.state.pending == {}
        await pilot.press("2", "G", "i")
        await until(pilot, lambda: isinstance(app.screen, NoteScreen))
        await pilot.press("j", "ctrl+s")
        await until(pilot, lambda: told(app)[-1] == "notes of job1 set")
        assert app.state.jobs["job1"].job.notes == session.store.job("job1").notes == "j"


async def test_many_are_changed_and_archived_only_after_a_question(session: Session) -> None:
    job = Job("job3", "ws1", "many", "repeat", "local", "ada", 1e9, 21, 1)
    runs = [
        Run("ws1", f"run3.{n}", "job3", "many", "node0", RunStatus.QUEUED, 1e9)
        for n in range(1, 22)
    ]
    session.store.add_job(job, runs, [])
    for run in runs:
        session.store.change_run(RunChange("ws1", run.name, RunStatus.CANCELLED, "ended"))
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 28)
        app.runs.apply(View(filter="job=job3"))
        await pilot.press("asterisk", "t", *"best", "enter")
        await until(pilot, lambda: "Change the tags of 21 runs?" in text_of(app))
        await pilot.press("n", "i", *"good", "ctrl+s")
        await until(pilot, lambda: "Change the notes of 21 runs?" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: told(app)[-1:] == ["notes of 21 runs set"])
        kept = [session.store.run("ws1", run.name) for run in runs]
        assert [(run.notes, run.tags) for run in kept] == [("good", {})] * 21
        await pilot.press("d")
        await until(pilot, lambda: "Archive 21 runs?" in text_of(app))
        await pilot.press("n")
        assert app.runs.marked == 21
        await pilot.press("d", "y")
        await until(pilot, lambda: told(app)[-1].startswith("21 runs archived: A shows them"))
        kept = [session.store.run("ws1", run.name) for run in runs]
        assert [run.tags for run in kept] == [{"archived": True}] * 21
        app.runs.clear_filter()
        app.jobs.go_to("job3")
        told_why = "all runs of job3 are archived: A shows them"
        await until(pilot, lambda: told_why in text_of(app))


async def test_what_is_archived_is_out_of_sight_until_it_is_brought_back(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("asterisk", "d")  # run1.6 runs
        await until(
            pilot, lambda: told(app) == ["run1.6 has not ended: 7 are marked, u unmarks them"]
        )
        await pilot.press("u", "g", "space", "space", "d")
        await until(pilot, lambda: len(names(app)) == 5)
        assert told(app)[-1] == "2 runs archived: A shows them, d there brings them back"
        assert session.store.run("ws1", "run1.2").tags == {"archived": True}
        await pilot.press("A")
        await until(pilot, lambda: len(names(app)) == 7)
        await until(pilot, lambda: "↓ archived ones too · d brings back 2 runs" in text_of(app))
        await pilot.press("u", "g")
        await until(pilot, lambda: "d brings back run1.1" in text_of(app))
        assert [f"↓  run1.{n}" in text_of(app) for n in (1, 2, 3)] == [True, True, False]
        await pilot.press("j", "j")
        await until(pilot, lambda: "d archives run1.3" in text_of(app))
        await pilot.press("g", "space", "space", "d")
        await until(pilot, lambda: told(app)[-1] == "2 runs brought back")
        assert session.store.run("ws1", "run1.2").tags == {}
        await pilot.press("A", "2", "G", "d")
        await until(pilot, lambda: told(app)[-1] == "job1 has not ended")
        await pilot.press("k", "d")
        await until(pilot, lambda: "job2" not in app.jobs.table.keys)
        await until(pilot, lambda: "run2" not in names(app))
        assert session.store.job("job2").tags == {"archived": True}


def put_mrc(session: Session) -> None:
    """What job1 was submitted with."""
    (session.cwd / "t.py").touch()
    asked = Asked(
        str(session.cwd), ["t.py", "a b", "--lr=[.1,.2,.3]"], {"concurrent": 2, "retries": 1}
    )
    mrc = MultiRunConfig(
        job="job1", workspace="ws1", experiment="first", style="static", username="ada",
        target="local", concurrent=2, commands=[["python", "t.py", "--lr=[.1,.2,.3]", "a b"]],
        search={"runs": None, "max_runs": None, "search_type": None, "seed": 7, "nodes": 1,
                "option_prefix": "--", "raw_args": False, "hp_space": None},
        nodes={"node0": NodeContext("run1")}, asked=asked,
    )  # fmt: skip
    session.artifacts.put_bytes(mrc_key("ws1", "job1"), mrc.to_json().encode())


async def test_a_run_or_a_job_fills_the_launch_form(session: Session) -> None:
    put_mrc(session)
    async with XtApp(session).run_test(size=(100, 30)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("j", "N")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        form = app.screen
        await until(pilot, lambda: form.query_one("#command", Input).value)
        assert form.query_one("#command", Input).value == "t.py 'a b' --lr=0.2"
        assert form.query_one("#option-retries", Input).value == "1"
        assert form.query_one("#option-concurrent", Input).value == ""
        assert form.query_one("#option-experiment", Input).value == "first"
        await until(
            pilot, lambda: "single: 1 run" in str(form.query_one("#preview", Static).render())
        )
        assert app.focused is form.query_one("#command")
        assert form.query_one(OptionFields).scroll_offset.y == 0
        assert form.query_one("#option-hp-config").region  # though rarer options are unfolded
        await pilot.press("ctrl+g", "2", "G", "N")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        form = app.screen
        await until(pilot, lambda: form.query_one("#option-seed", Input).value == "7")
        assert form.query_one("#command", Input).value == "t.py 'a b'"
        assert form.query_one(Parameters).written == [("lr", "[.1,.2,.3]")]
        assert "as you left it" not in text_of(app)
        await pilot.press(*" c", "ctrl+g", "N")
        await until(pilot, lambda: "as you left it: ctrl+x empties it" in text_of(app))
        assert app.screen.query_one("#command", Input).value == "t.py 'a b' c"
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "emptied: ctrl+x brings it back" in text_of(app))
        assert app.screen.query_one("#command", Input).value == "t.py 'a b'"
        await pilot.press("ctrl+g", "g")
        await until(pilot, lambda: len(names(app)) == 7)
        await pilot.press("3", "G", "N")  # run2, whose MRC is not there
        await until(pilot, lambda: "the MRC of job2 is not stored" in "".join(told(app)))
        await pilot.press("g", "space", "space", "N")
        await until(pilot, lambda: told(app)[-1] == "2 runs are marked: choose one")


async def test_commands_that_do_the_same_can_be_copied(session: Session) -> None:
    put_mrc(session)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("slash", *"metrics.loss<.5", "enter", "r")
        await until(pilot, lambda: len(names(app)) == 4)
        await pilot.press("G", "Y")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        offered = [str(each.id) for each in app.screen.query_one(OptionList)._options]
        run = app.runs.chosen[0].name
        assert offered[1:] == [
            f"xt view run {run}",
            f"xt attach {run}",
            "xt list runs --all --filter 'metrics.loss<.5' --sort run --reverse",
        ]
        assert offered[0].startswith("xt run --retries 1 --experiment first t.py 'a b' --lr=0.")
        await pilot.press("slash", *"the table", "enter")
        await until(pilot, lambda: app.clipboard == offered[-1])


async def _table_commands(session: Session) -> list[str]:
    """What is copied of the tables: sorted by each of their columns, then with chosen ones."""
    copied: list[str] = []
    chosen = {"jobs": "name done progress", "runs": "run trend metrics.loss"}
    async with XtApp(session).run_test(size=(160, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        for key, pane, group in (("3", app.runs, "hparams.lr"), ("2", app.jobs, "done")):
            await pilot.press(key)
            for column in pane.columns:
                pane.sort_by(column.name, reverse=True)
                copied.append(table_command(app)[0])
            pane.group_by(group)
            pane.sort_by(chosen[pane.nouns].split()[1])
            pane.set_columns(tuple(map(ChosenColumn, chosen[pane.nouns].split())))
            await settled(pilot, pane)
            copied.append(table_command(app)[0])
            pane.save_views({"mine": pane.view})
    return copied


async def settled(pilot: Pilot[int], pane: RecordsPane[Any]) -> None:
    """Wait until the rows are arranged as they were wished for."""
    await until(pilot, lambda: not pane.is_awaited)


async def test_copied_commands_and_saved_views_can_be_used_in_a_shell(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = await _table_commands(session)
    assert "xt list runs --all --sort metrics.loss --reverse" in copied
    assert "xt list jobs --all --sort progress --reverse" in copied
    runs = "xt list runs --all --sort run --reverse --group hparams.lr --columns run,metrics.loss"
    assert runs in copied
    jobs = "xt list jobs --all --sort done --group done --columns name,done,progress"
    assert jobs == copied[-1]
    monkeypatch.setenv("XT_HOME", str(session.home.root))
    monkeypatch.chdir(session.cwd)
    for command in [*copied, "xt list runs --view mine", "xt list jobs --view mine"]:
        code = await asyncio.to_thread(main, shlex.split(command)[1:])
        assert code == ExitCode.OK, f"{command}: {capsys.readouterr().err}"
    assert "trend" not in capsys.readouterr().out


async def test_filters_and_groups_are_those_of_commands(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        assert "trend" not in app.runs.field_names()
        with pytest.raises(UsageError, match="there is no field 'trend'"):
            app.runs.group_by("trend")
        await pilot.press("slash", *"trend", "enter")  # a word, as in xt list runs --filter trend
        await until(pilot, lambda: not app.runs.listed)
        await pilot.press("backspace", "slash", *"-x", "enter")
        await until(pilot, lambda: "--filter=-x" in table_command(app)[0])


async def test_files_of_a_run_are_opened_in_the_pager(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, bytes]] = []

    def read(program: str, file: Path, _role: str, _variable: str) -> None:
        opened.append((program, file.read_bytes()))

    @contextlib.contextmanager
    def suspended(_self: object) -> Iterator[None]:
        opened.append(("suspended", b""))
        yield
        opened.append(("resumed", b""))

    session.environ = {**session.environ, "PAGER": "most"}
    monkeypatch.setattr("xt_tui.acting.programs.open_file", read)
    async with XtApp(session).run_test(size=(140, 40)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("G", "P")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("enter")  # here there is no terminal to give away
        await until(pilot, lambda: any("no pager can be opened here" in text for text in told(app)))
        monkeypatch.setattr(App, "suspend", suspended)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("enter")
        await until(pilot, lambda: len(opened) == 3)
        console = b"hello\n50%\r100%\n\x1b[32mgreen\x1b[0m \x07bell\n"
        assert opened == [("suspended", b""), ("most", console), ("resumed", b"")]


class Asking(App[None]):
    """Shows a confirmation, and keeps the answer."""

    answer: bool | None = None

    def ask(self, count: int) -> None:
        def answered(answer: bool | None) -> None:
            self.answer = answer

        named = [f"run{number}" for number in range(count)]
        self.push_screen(
            ConfirmScreen("Stop?", named, "They end.", "Stop", "Keep", count), answered
        )


async def test_many_are_confirmed_by_typing_how_many(session: Session) -> None:
    app = Asking()
    async with app.run_test() as pilot:
        app.ask(20)
        await until(pilot, lambda: isinstance(app.focused, Button))  # type: ignore[arg-type]
        await pilot.press("y")
        assert app.answer is True
        app.ask(21)
        await until(pilot, lambda: isinstance(app.focused, Input))  # type: ignore[arg-type]
        await pilot.press("y", "enter", "backspace", "2", "enter")
        assert app.screen.query_one("#yes", Button).disabled
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("1", "enter")
        assert app.answer is True
        app.ask(21)
        await until(pilot, lambda: isinstance(app.focused, Input))  # type: ignore[arg-type]
        await pilot.press("escape")
        assert app.answer is False


async def test_presets_scripts_and_earlier_commands_fill_the_form(session: Session) -> None:
    (session.cwd / "t.py").touch()
    (session.cwd / "u.py").touch()
    session.store.change_run(RunChange("ws1", "run1.6", RunStatus.CANCELLED, "ended"))
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        form = app.screen
        assert isinstance(form, LaunchScreen)
        command = form.command
        command.value = "t.py x"
        form.query_one("#option-runs", Input).value = "3"
        command.remember(["v.py 2", "v.py 1"])
        await pilot.press("up", "up", "up")
        assert command.value == "v.py 1"
        await pilot.press("down", "down", "down")
        assert command.value == "t.py x"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is not form)
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: told(app) == ["preset mine saved"])
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: command.value == "u.py x")
        form.query_one("#option-runs", Input).value = ""
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("enter")
        await until(pilot, lambda: command.value == "t.py x")
        assert form.query_one("#option-runs", Input).value == "3"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("D", "q")
        await until(pilot, lambda: told(app)[-1] == "preset mine deleted")
        form.query_one("#option-seed", Input).focus()
        await until(pilot, lambda: "seed: seed of the search" in text_of(app))
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        scripts = app.screen.query_one(OptionList)
        await pilot.press("/", *"u.p")
        await until(pilot, lambda: scripts.option_count == 1)
        await pilot.press("escape")
        await until(pilot, lambda: scripts.option_count == 2)
        assert app.focused is scripts
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is form)
        assert app.focused is form.query_one("#option-seed")


async def test_a_preset_that_could_not_be_deleted_stays_in_the_list(session: Session) -> None:
    home = session.team_home
    for name in ("one", "two"):
        save_preset(home, name, Preset("t.py"))
    file = home.team_root / "presets.json"
    kept = file.read_text()
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        listed = app.screen.query_one(OptionList)
        file.write_text("{")
        await pilot.press("D")
        await until(pilot, lambda: told(app) == [f"cannot read the presets in {file}"])
        assert listed.option_count == 2
        file.write_text(kept)
        await pilot.press("D")
        await until(pilot, lambda: told(app)[-1] == "preset one deleted")
        await until(pilot, lambda: listed.option_count == 1)
        assert list(presets(home)) == ["two"]


async def test_marked_runs_are_compared_side_by_side(session: Session) -> None:
    async with XtApp(session).run_test(size=(90, 24)) as pilot:
        app = await until_loaded(pilot, 7)
        await pilot.press("equals_sign")
        await until(pilot, lambda: "two or more" in "".join(told(app)))
        await pilot.press("v", "j", "j", "v", "equals_sign")
        await until(pilot, lambda: "metrics, best" in text_of(app))
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        table = screen.query_one(SideBySide)
        assert table._shown.names == ["run1.1", "run1.2", "run1.3"]
        assert "0.5 ▼0.1" in text_of(app)
        assert "experiment" not in text_of(app)
        await pilot.press("l", "l", "b")
        await until(pilot, lambda: table._shown.names == ["run1.3", "run1.1", "run1.2"])
        assert table.place == 2  # the cursor stays on its run
        await pilot.press("a")
        await until(pilot, lambda: "experiment" in text_of(app))
        await pilot.press("slash", *"last loss", "enter")
        await until(pilot, lambda: len(table._shown.lines) == 2)
        await pilot.press("j", "s")
        await until(pilot, lambda: table._shown.names == ["run1.3", "run1.2", "run1.1"])
        await pilot.press("s")
        await until(pilot, lambda: table._shown.names == ["run1.3", "run1.1", "run1.2"])
        await pilot.press("Y")
        assert app.clipboard == "xt compare run1.1,run1.2,run1.3 --baseline run1.3 --all"
        await pilot.press("slash", "x", "ctrl+g")  # out of the filter, not of the comparison
        await until(pilot, lambda: len(table._shown.lines) > 2)
        assert app.focused is table
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until(pilot, lambda: "compare with the run under the cursor" in text_of(app))
        await pilot.press("escape", "end", "enter")
        await until(pilot, lambda: not isinstance(app.screen, CompareScreen))
        assert app.runs.table.cursor_key == "ws1/run1.2"
