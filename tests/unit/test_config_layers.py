"""Configuration in layers: which one wins, and where a value is said to come from."""

import subprocess
import sys
from pathlib import Path

import pytest
from config_support import USER, Place

from xt_core.config import config_files, load_config
from xt_core.config.schema import properties
from xt_core.errors import ConfigError, UnknownNameError, UsageError

RUN_VARIABLES = [
    "XT_CONTROLLER",
    "XT_WORKSPACE_NAME",
    "XT_EXPERIMENT_NAME",
    "XT_JOB_ID",
    "XT_RUN_NAME",
    "XT_RUN_INDEX",
    "XT_NODE_ID",
    "XT_NODE_INDEX",
    "XT_USERNAME",
    "XT_TARGET_FILE",
    "XT_RESUME_NAME",
    "XT_RESTARTS",
    "XT_OUTPUT_DIR",
    "XT_DATA_DIR",
    "XT_MODEL_DIR",
    "XT_JOURNAL",
    "XT_HOME",
]


def test_without_files_every_property_has_its_default(place: Place) -> None:
    config = place.load()
    assert config.string("general.workspace") == "ws1"
    assert config.boolean("general.maximize-metric") is True
    assert config.number("general.grace-seconds") == 10.0
    assert config.mapping("general.env-vars") == {}
    assert config.strings("code.code-dirs") == ["$scriptdir/**"]
    assert config.strings("logging.mirror-files") == ["logs/**"]
    assert config.optional_string("hyperparameter-search.search-type") is None
    assert config.optional_integer("hyperparameter-search.seed") is None
    assert config.integer("hyperparameter-search.concurrent") == 1
    assert config.get("commands") == []
    assert config.get("setups") == {}
    assert config.get("boxes") == {
        "local": {
            "address": None,
            "port": None,
            "os": "linux",
            "setup": None,
            "actions": ["data", "model"],
            "max-runs": None,
            "gpus": None,
        }
    }
    assert {origin for _, _, origin in config.items()} == {"default"}


def test_without_files_no_yaml_parser_is_imported(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from xt_core.home import Home;"
        "from xt_core.config import load_config;"
        f"load_config(Home(Path({str(tmp_path)!r})), Path({str(tmp_path)!r}),"
        "{'XT_MAX_RUNS': '3', 'XT_MIRROR_FILES': 'a,b'}, {'general.workspace': 'ws2'});"
        "print([name for name in ('yaml', 'asyncio', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_each_layer_wins_over_those_before_it(place: Place) -> None:
    place.home.config_file.write_text(
        "general:\n  workspace: user\n  experiment: user\n  xt-team-name: user\n"
        "  primary-metric: user\n"
    )
    place.write("general:\n  experiment: project\n  xt-team-name: project\n  primary-metric: p\n")
    config = place.load(
        {"XT_TEAM": "environment", "XT_PRIMARY_METRIC": "environment"},
        {"general.primary-metric": "option"},
    )
    expected = {
        "workspace": ("user", f"{place.home.config_file}:2"),
        "experiment": ("project", f"{place.project_file}:2"),
        "xt-team-name": ("environment", "environment XT_TEAM"),
        "primary-metric": ("option", "option --primary-metric"),
        "maximize-metric": (True, "default"),
    }
    for name, (value, origin) in expected.items():
        assert (config.get(f"general.{name}"), config.origin(f"general.{name}")) == (value, origin)


def test_mappings_and_tables_merge_by_name_and_lists_replace(place: Place) -> None:
    place.home.config_file.write_text(
        "general: {env-vars: {A: 1, B: 2}}\n"
        "compute-targets: {lab: {nodes: 3}}\n"
        "code: {code-omit: [x, y]}\n"
    )
    place.write("""\
        general: {env-vars: {B: 3, C: no}}
        compute-targets: {lab: {setup: torch}, local: {nodes: 2}}
        code: {code-omit: [z]}
        """)
    config = place.load(overrides={"general.env-vars": {"D": "4"}})
    assert config.mapping("general.env-vars") == {"A": "1", "B": "3", "C": "no", "D": "4"}
    assert config.origin("general.env-vars.C") == f"{place.project_file}:1"
    assert config.origin("general.env-vars.D") == "option --env"
    assert config.get("compute-targets") == {
        "local": {"service": "local", "boxes": [], "nodes": 2, "setup": None},
        "lab": {"service": "local", "boxes": [], "nodes": 3, "setup": "torch"},
    }
    assert config.strings("code.code-omit") == ["z"]


def test_the_nearest_project_file_upwards_counts_alone(place: Place) -> None:
    place.write("general: {workspace: outer, experiment: outer}\n")
    inner = place.project / "a" / "b"
    inner.mkdir(parents=True)
    assert load_config(place.home, inner, USER).string("general.workspace") == "outer"
    (place.project / "a" / "xt_config.yaml").write_text("general: {workspace: inner}\n")
    config = load_config(place.home, inner, USER)
    assert config.string("general.workspace") == "inner"
    assert config.string("general.experiment") == "exper1"


def test_xt_config_file_replaces_the_search(place: Place) -> None:
    place.write("general: {workspace: project}\n")
    other = place.project / "other.yaml"
    other.write_text("general: {experiment: other}\n")
    environ = {"XT_CONFIG_FILE": "other.yaml"}
    assert config_files(place.home, place.project, environ) == [other]
    config = place.load(environ)
    assert config.string("general.workspace") == "ws1"
    assert config.origin("general.experiment") == f"{other}:1"


def test_xt_config_file_must_exist(place: Place) -> None:
    error = place.error(environ={"XT_CONFIG_FILE": "/nowhere/x.yaml"})
    assert error.message == "XT_CONFIG_FILE names /nowhere/x.yaml, which does not exist"


def test_the_variables_of_a_run_set_nothing(place: Place) -> None:
    declared = {p.env for _, p in properties()}
    assert declared.isdisjoint(RUN_VARIABLES)
    environ = dict.fromkeys(RUN_VARIABLES, "intruder")
    assert place.load(environ).as_dict() == place.load().as_dict()


def test_environment_variables_are_parsed_by_type(place: Place) -> None:
    environ = {
        "XT_MAXIMIZE_METRIC": "0",
        "XT_GRACE_SECONDS": "2.5",
        "XT_SEED": "7",
        "XT_MIRROR_FILES": "a/**, b/**",
        "XT_SEARCH_TYPE": "null",
        "XT_TARGET": "",
    }
    config = place.load(environ)
    assert config.boolean("general.maximize-metric") is False
    assert config.number("general.grace-seconds") == 2.5
    assert config.integer("hyperparameter-search.seed") == 7
    assert config.strings("logging.mirror-files") == ["a/**", "b/**"]
    assert config.get("hyperparameter-search.search-type") is None
    assert config.origin("hyperparameter-search.search-type") == "environment XT_SEARCH_TYPE"
    assert config.origin("xt-services.target") == "default"


def test_an_environment_mistake_names_the_variable(place: Place) -> None:
    error = place.error(environ={"XT_MAXIMIZE_METRIC": "maybe"})
    assert isinstance(error, ConfigError)
    assert error.message == (
        "the environment variable XT_MAXIMIZE_METRIC must be true or false, not 'maybe'"
    )
    assert error.hint == "it sets general.maximize-metric"


def test_options_are_checked_and_none_means_not_given(place: Place) -> None:
    config = place.load(
        overrides={
            "general.workspace": None,
            "hyperparameter-search.concurrent": 4,
            "general.xt-team-name": "lab",
            "run-reports.columns": ["name"],
        }
    )
    assert config.origin("general.workspace") == "default"
    assert config.integer("hyperparameter-search.concurrent") == 4
    assert config.origin("general.xt-team-name") == "option --team"
    assert config.strings("run-reports.columns") == ["name"]
    with pytest.raises(UsageError, match=r"^--concurrent must be a whole number of at least 1, no"):
        place.load(overrides={"hyperparameter-search.concurrent": 0})
    with pytest.raises(UsageError, match=r"^--concurrent must be a whole number of at least 1, no"):
        place.load(overrides={"hyperparameter-search.concurrent": True})
    with pytest.raises(UnknownNameError) as caught:
        place.load(overrides={"general.workspce": "x"})
    assert caught.value.hint == "did you mean 'workspace'?"


def test_username_expands_to_the_login_name(place: Place) -> None:
    assert place.load().string("general.username") == "alice"
    place.write("general: {username: $username-lab}\n")
    assert place.load().string("general.username") == "alice-lab"
