"""Presets of the launch form, and what was launched lately."""

from pathlib import Path

import pytest

from xt_core.errors import UnavailableError, UsageError
from xt_core.home import Home
from xt_core.model.records import Job
from xt_core.submit.presets import Preset, delete_preset, presets, save_preset
from xt_core.submit.recent import recent_commands, scripts

SMALL = Preset("t.py", {"runs": "3", "minimize": True}, [("lr", ".1, .2")])


def test_presets_are_kept_for_each_team(tmp_path: Path) -> None:
    home, other = Home(tmp_path), Home(tmp_path).of_team("lab")
    assert presets(home) == {}
    save_preset(home, "small", SMALL)
    save_preset(home, "big one", Preset("u.py"))
    assert list(presets(home)) == ["big one", "small"]
    assert presets(home)["small"] == SMALL
    assert presets(other) == {}
    save_preset(home, "small", Preset("v.py"))
    delete_preset(home, "big one")
    delete_preset(home, "big one")
    assert presets(home) == {"small": Preset("v.py", {}, [])}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 61])
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a preset"):
        save_preset(Home(tmp_path), name, SMALL)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {}}', '{"a": 1}'])
def test_a_damaged_file_is_told_and_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "presets.json").write_text(text)
    with pytest.raises(UnavailableError, match="cannot read the presets"):
        save_preset(Home(tmp_path), "small", SMALL)
    assert (tmp_path / "presets.json").read_text() == text


def job(name: str, created: float, command: str) -> Job:
    made = Job(name, "ws1", "e", "single", "local", "ada", created, 1, 1)
    made.command = command
    return made


def test_commands_come_newest_first_and_once() -> None:
    jobs = [job("job1", 1, "a.py"), job("job2", 2, "b.py"), job("job3", 3, "a.py"), job("j", 4, "")]
    assert recent_commands(jobs) == ["a.py", "b.py"]


def test_scripts_that_were_used_come_first(tmp_path: Path) -> None:
    for path in ("z.py", "a.sh", "deep/b.py", "notes.txt", ".git/hook.sh", "env/lib/x.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert scripts(tmp_path, []) == ["a.sh", "z.py", "deep/b.py"]
    used = ["./deep/b.py --lr=1", "gone.py", "'open", "z.py", "deep/b.py"]
    assert scripts(tmp_path, used) == ["deep/b.py", "z.py", "a.sh"]
