"""`xt completion`: what shells are told."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.cli.completion import completions
from xt_core.cli.table import COMMANDS
from xt_core.stats.store import StatsStore


def test_shells_complete_commands_options_and_names(xt: Commands, filled: StatsStore) -> None:
    def words(*typed: str) -> list[str]:
        return xt("completion", "--words", *typed).lines

    assert words("c") == ["cancel", "compare", "clear", "create", "config", "completion"]
    assert words("list", "ru") == ["runs"]
    assert words("attach", "run2.1") == ["run2.1", "run2.10", "run2.11", "run2.12"]
    assert words("cancel", "job", "") == ["job1", "job2"]
    assert "--concurrent" in words("run", "--c")
    assert words("bogus", "x") == []
    for shell in ("bash", "zsh", "fish"):
        assert "xt completion --words" in xt("completion", shell).out


def test_names_are_those_that_the_noun_takes(filled: StatsStore) -> None:
    assert completions(["view", "job", ""]) == ["job1", "job2"]
    assert completions(["view", "run", "job"]) == []
    assert completions(["view", "log", "c"]) == ["controller"]
    assert completions(["set", "tags", "job"]) == ["job1", "job2"]
    assert completions(["completion", "z"]) == ["zsh"]


def test_the_last_name_of_a_list_is_completed(filled: StatsStore) -> None:
    assert completions(["plot", "run1,run2.12"]) == ["run1,run2.12"]
    assert completions(["list", "runs", "job1,j"]) == ["job1,job1", "job1,job2"]


def test_options_are_those_of_the_noun(filled: StatsStore) -> None:
    assert completions(["list", "runs", "--pa"]) == ["--parents"]
    assert completions(["list", "jobs", "--pa"]) == []
    assert completions(["view", "config", "--o"]) == ["--origin"]
    assert completions(["plot", "run1", "--log"]) == ["--log-x", "--log-y"]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_noun_has_options(command: str, filled: StatsStore) -> None:
    for noun in COMMANDS[command].nouns or ("",):
        found = completions([command, *filter(None, [noun]), "--"])
        assert {"--json", "--help"} <= set(found)


def test_the_value_of_an_option_is_no_run(filled: StatsStore) -> None:
    assert completions(["list", "runs", "--sort", ""]) == []
    assert completions(["list", "runs", "--job", "job"]) == ["job1", "job2"]
    assert "run1" in completions(["list", "runs", "--all", "run"])


def test_a_broken_configuration_completes_to_nothing(filled: StatsStore) -> None:
    Path("xt_config.yaml").write_text("general: [")
    assert completions(["view", "run", "run"]) == []


def test_bash_completes_with_the_script(xt: Commands, filled: StatsStore, tmp_path: Path) -> None:
    program = tmp_path / "xt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m xt_core "$@"\n')
    program.chmod(0o755)
    (tmp_path / "completion.bash").write_text(xt("completion", "bash").out)
    script = (
        f"PATH={tmp_path}:$PATH; source {tmp_path}/completion.bash\n"
        "COMP_WORDS=(xt view run run2.1); COMP_CWORD=3; _xt\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["run2.1", "run2.10", "run2.11", "run2.12"]
