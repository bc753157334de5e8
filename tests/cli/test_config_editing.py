"""`xt config --edit`, `--check`, `--set` and `--schema`."""

import json
from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.config import editing
from xt_core.config.json_schema import json_schema
from xt_core.errors import ConfigError, RefusedError
from xt_core.home import Home

DRAFT = Path(".xt_config.draft.yaml")


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A script that is the user's editor; it gets the file as $1."""
    path = tmp_path / "editor.sh"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"bash '{path}'")
    return path


def write(name: str, text: str) -> Path:
    Path(name).write_text(text)
    return Path(name).absolute()


def test_a_right_configuration_is_told(xt: Commands, home: Home) -> None:
    assert xt("config", "--check").out == ("the configuration is right: no files, only defaults\n")
    file = write("xt_config.yaml", "general: {workspace: ws2}\n")
    assert xt("config", "--check").out == f"the configuration is right: {file}\n"
    assert xt("config", "--check", "--json").json == {"valid": True, "problems": []}


def test_the_mistakes_of_all_files_are_told_with_their_lines(xt: Commands, home: Home) -> None:
    file = write("xt_config.yaml", "general:\n  workspce: ws2\n")
    home.config_file.parent.mkdir(parents=True, exist_ok=True)
    home.config_file.write_text("\ncode: {max-file-mb: many}\n")
    told = xt("config", "--check", code=2)
    assert told.out == ""
    assert told.err == (
        f"xt: error: {home.config_file}:2: code.max-file-mb must be a number of at least 0, "
        "not 'many'\n"
        f"xt: error: {file}:2: unknown property 'workspce' in general\n"
        "hint: did you mean 'workspace'?\n"
    )
    problems = xt("config", "--check", "--json", code=2).json["problems"]
    assert problems[1] == {
        "message": f"{file}:2: unknown property 'workspce' in general",
        "hint": "did you mean 'workspace'?",
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("xt-services: {target: lab}\n", 1, "there is no compute target 'lab'"),
        ("compute-targets:\n  a: {setup: torch}\n", 2, "there is no setup 'torch'"),
        ("teams:\n  lab:\n    mongo: m\n", 3, "teams.lab.mongo names 'm'"),
        ("boxes:\n  node3: {address: h}\n", 2, "'node3' is no name for a box"),
        ("boxes:\n  gpu1: {setup: torch}\n", 2, "there is no setup 'torch'"),
        ("boxes:\n  gpu1: {address: a@b@c}\n", 2, "'a@b@c' is no address of a box"),
        ("boxes:\n  gpu1: {address: h, actions: [modle]}\n", 2, "has 'modle'"),
        ("compute-targets:\n  lab: {service: pool}\n", 2, "compute-targets.lab.boxes is empty"),
        (
            "boxes: {gpu1: {address: h}}\ncompute-targets:\n  lab: {boxes: [gpu1]}\n",
            3,
            "is for pools, and the service is local",
        ),
        (
            "compute-targets:\n  lab: {service: pool, boxes: [gpu7]}\n",
            2,
            "there is no box 'gpu7'",
        ),
        (
            "compute-targets:\n  lab: {service: pool, boxes: [local, local]}\n",
            2,
            "names local twice",
        ),
        (
            "compute-targets:\n  lab: {service: pool, boxes: [local], nodes: 2}\n",
            2,
            "is 2, and the pool has 1",
        ),
        (
            "boxes: {gpu1: {}}\ncompute-targets: {lab: {service: pool, boxes: [gpu1]}}\n",
            2,
            "box gpu1 has no address",
        ),
        ("general:\n  xt-team-name: lab\n", 2, "there is no team 'lab'"),
        (
            "external-services: {s: {type: storage}}\nxt-services:\n  mongo: s\n",
            3,
            "xt-services.mongo names 's', which is of type storage",
        ),
        ("early-stopping:\n  early-policy: hyperband\n", 2, "max-steps"),
    ],
)
def test_names_of_what_is_not_there_are_told(
    xt: Commands, home: Home, text: str, line: int, message: str
) -> None:
    file = write("xt_config.yaml", text)
    problems = xt("config", "--check", "--json", code=2).json["problems"]
    assert f"{file}:{line}" in problems[0]["message"]
    assert message in problems[0]["message"]


def test_a_setup_that_is_not_there_is_the_same_mistake_wherever_it_is_met(
    xt: Commands, home: Home
) -> None:
    file = write(
        "xt_config.yaml", "compute-targets:\n  local:\n    setup: torhc\nsetups:\n  torch: {}\n"
    )
    write("t.py", "")
    told = (
        f"xt: error: {file}:3: there is no setup 'torhc', which compute-targets.local.setup names\n"
        "hint: did you mean 'torch'?\n"
    )
    assert xt("config", "--check", code=2).err == told
    assert xt("run", "--dry-run", "t.py", code=2).err == told
    assert "there is no setup 'moon'" in xt("run", "--setup", "moon", "t.py", code=3).err


def test_a_missing_requirements_file_is_told_with_where_it_is_sought(
    xt: Commands, home: Home
) -> None:
    file = write("xt_config.yaml", "setups:\n  torch: {requirements: [needs.txt]}\n")
    write("t.py", "")
    missing = file.parent / "needs.txt"
    assert xt("run", "--dry-run", "--setup", "torch", "t.py", code=2).err == (
        f"xt: error: cannot read {missing} of setup torch: No such file or directory\n"
        "hint: make that file, or correct setups.torch.requirements: its paths count from the "
        "folder of xt_config.yaml, or from where you are if there is none\n"
    )


def test_a_mistake_in_the_environment_is_told(
    xt: Commands, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XT_CONCURRENT", "many")
    assert "the environment variable XT_CONCURRENT must be" in xt("config", "--check", code=2).err


def test_several_settings_are_set_at_once_and_comments_stay(xt: Commands, home: Home) -> None:
    file = write("xt_config.yaml", "# ours\ngeneral:\n  workspace: ws1  # the first\n")
    told = xt("config", "--set", "general.workspace=ws2", "--set", "general.experiment=a=b")
    assert told.out == f"general.workspace, general.experiment set in {file}\n"
    assert file.read_text() == (
        "# ours\ngeneral:\n  experiment: a=b\n  workspace: ws2  # the first\n"
    )
    assert "is not SETTING=VALUE" in xt("config", "--set", "general.workspace", code=2).err


def test_an_edit_that_is_right_is_saved(xt: Commands, home: Home, editor: Path) -> None:
    file = write("xt_config.yaml", "general: {workspace: ws1}  # mine\n")
    editor.write_text("sed -i s/ws1/ws2/ $1\n")
    assert xt("config", "--edit").out == f"{file} changed\n"
    assert file.read_text() == "general: {workspace: ws2}  # mine\n"
    editor.write_text("true\n")
    assert xt("config", "--edit").out == f"{file} is as it was\n"
    assert not DRAFT.exists()


def test_an_edit_that_is_wrong_changes_nothing_and_is_gone_on_with(
    xt: Commands, home: Home, editor: Path
) -> None:
    file = write("xt_config.yaml", "general: {workspace: ws1}\n")
    editor.write_text("sed -i s/workspace:/workspce:/ $1\n")
    told = xt("config", "--edit", code=2).err
    assert told == (
        f"xt: error: {file}:1: unknown property 'workspce' in general\n"
        f"hint: {file} is as it was; your draft is {DRAFT.absolute()}: "
        "xt config --edit goes on with it\n"
    )
    assert file.read_text() == "general: {workspace: ws1}\n"
    editor.write_text("sed -i 's/workspce: ws1/workspace: ws3/' $1\n")
    xt("config", "--edit")
    assert file.read_text() == "general: {workspace: ws3}\n"
    assert not DRAFT.exists()


def test_a_file_that_is_not_there_begins_as_the_template(
    xt: Commands, home: Home, editor: Path
) -> None:
    editor.write_text("true\n")
    xt("config", "--edit", "--user")
    assert not home.config_file.exists()
    editor.write_text("sed -i 's/^  # workspace: ws1/  workspace: ws9/' $1\n")
    xt("config", "--edit", "--user")
    lines = home.config_file.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=xt_config.schema.json"
    assert xt("view", "config", "--json").json["config"]["general"]["workspace"] == "ws9"
    schema = home.config_file.with_name("xt_config.schema.json")
    assert json.loads(schema.read_text()) == json_schema()


def test_an_editor_that_fails_or_is_not_there_changes_nothing(
    xt: Commands, home: Home, editor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("xt_config.yaml", "general: {workspace: ws1}\n")
    editor.write_text("echo broken > $1; exit 3\n")
    assert "ended with exit code 3; nothing was changed" in xt("config", "--edit", code=1).err
    monkeypatch.setenv("EDITOR", "no-such-editor -x")
    assert "cannot start the editor 'no-such-editor -x'" in xt("config", "--edit", code=2).err
    assert file.read_text() == "general: {workspace: ws1}\n"


def test_the_user_may_edit_again_until_it_is_right(tmp_path: Path) -> None:
    file, asked = tmp_path / "c.yaml", list[str]()
    tries = tmp_path / "editor.sh"
    tries.write_text('n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n\n'
                     'echo "cod: {}" > $1; [ $n -lt 2 ] || echo "code: {}" > $1\n')  # fmt: skip

    def ask(error: ConfigError) -> bool:
        asked.append(error.message)
        return True

    environ = {"EDITOR": f"bash -c 'cd {tmp_path} && bash editor.sh $0'"}
    assert editing.edit_file(file, "", environ, ask)
    assert asked == [f"{file}:1: unknown section 'cod'"] * 2
    assert file.read_text() == "code: {}\n"


def test_what_another_program_has_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("code: {}\n")
    environ = {"EDITOR": f"""bash -c 'echo "data: {{}}" > $0; echo "model: {{}}" > {file}'"""}
    with pytest.raises(RefusedError, match="changed by another program meanwhile"):
        editing.edit_file(file, "", environ, lambda _: False)
    assert file.read_text() == "model: {}\n"
    assert (tmp_path / ".c.draft.yaml").read_text() == "data: {}\n"


def test_only_one_thing_is_done(xt: Commands, home: Home) -> None:
    assert "several things" in xt("config", "--check", "--edit", code=2).err
    assert json.loads(xt("config", "--schema").out) == json_schema()
