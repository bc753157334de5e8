"""`xt config`: where settings are, and how they are changed."""

from pathlib import Path

import pytest
from cli_support import Commands

from xt_core.config import load_config
from xt_core.home import Home


def test_settings_can_be_created_and_changed(xt: Commands, home: Home) -> None:
    xt("config", "create")
    assert "exists already" in xt("config", "create", code=5).err
    xt("config", "set", "general.workspace", "ws3")
    assert xt("view", "config", "--json").json["config"]["general"]["workspace"] == "ws3"
    xt("config", "set", "hyperparameter-search.concurrent", "4", "--user")
    assert "concurrent: 4" in home.config_file.read_text()
    assert "general.workspce" in xt("config", "set", "general.workspce", "x", code=3).err
    files = xt("config", "--json").json["files"]
    assert [entry["exists"] for entry in files] == [True, True]


def test_the_files_of_settings_are_shown_in_their_order(xt: Commands, home: Home) -> None:
    assert xt("config").lines == [
        "settings come from, the later ones winning:",
        "  XT's defaults",
        f"  {home.config_file} (not there)",
        "  environment variables such as XT_WORKSPACE",
        "  options",
    ]
    xt("config", "create")
    assert xt("config").lines[3] == f"  {Path.cwd() / 'xt_config.yaml'}"


def test_a_created_file_changes_no_setting(xt: Commands, home: Home) -> None:
    before = load_config(home, Path.cwd(), {}).as_dict()
    assert xt("config", "create", "--json").json == {"created": str(Path.cwd() / "xt_config.yaml")}
    assert xt("config", "create", "--user").out == f"{home.config_file} created\n"
    assert load_config(home, Path.cwd(), {}).as_dict() == before


def test_a_refused_file_is_left_as_it_is(xt: Commands, home: Home) -> None:
    Path("xt_config.yaml").write_text("# mine\n")
    xt("config", "create", code=5)
    assert Path("xt_config.yaml").read_text() == "# mine\n"


def test_comments_survive_a_change(xt: Commands, home: Home) -> None:
    Path("xt_config.yaml").write_text("# ours\ngeneral:\n  workspace: ws1  # the first\n")
    xt("config", "set", "general.workspace", "ws2")
    assert Path("xt_config.yaml").read_text() == (
        "# ours\ngeneral:\n  workspace: ws2  # the first\n"
    )


@pytest.mark.parametrize(
    "args", [("set",), ("set", "general.workspace"), ("create", "here"), ("destroy",)]
)
def test_wrong_usage_is_told_and_writes_nothing(
    xt: Commands, home: Home, args: tuple[str, ...]
) -> None:
    assert xt("config", *args, code=2).err.startswith("xt: error: ")
    assert list(Path.cwd().iterdir()) == []


def test_a_value_that_does_not_fit_is_refused(xt: Commands, home: Home) -> None:
    error = xt("config", "set", "hyperparameter-search.concurrent", "many", code=2).err
    assert "hyperparameter-search.concurrent" in error
    assert not Path("xt_config.yaml").exists()
