"""Configuration: layers and origins, mistakes and where they are reported, edits of files."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from xt_core.config import Config, config_files, default_config_text, load_config, write_setting
from xt_core.config.properties import Kind
from xt_core.config.schema import SCHEMA, properties
from xt_core.config.values import check
from xt_core.errors import ConfigError, RefusedError, UnknownNameError, UsageError, XTError
from xt_core.home import Home

USER = {"LOGNAME": "alice"}

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


class Place:
    """A home and a project folder of one test."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "home")
        self.project = root / "project"
        self.project.mkdir()
        self.home.root.mkdir()

    @property
    def project_file(self) -> Path:
        return self.project / "xt_config.yaml"

    def write(self, text: str) -> None:
        self.project_file.write_text(dedent(text), encoding="utf-8")

    def load(
        self,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, object] | None = None,
    ) -> Config:
        return load_config(self.home, self.project, {**USER, **(environ or {})}, overrides)

    def error(self, **layers: Mapping[str, str]) -> XTError:
        with pytest.raises(XTError) as caught:
            self.load(**layers)
        return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# Layers


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
    assert config.get("boxes") == {"local": {"max-runs": None, "gpus": None}}
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
        "local": {"service": "local", "nodes": 2, "setup": None},
        "lab": {"service": "local", "nodes": 3, "setup": "torch"},
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


# Lookups


def test_lookups_return_copies(place: Place) -> None:
    config = place.load()
    config.strings("code.code-omit").clear()
    config.as_dict()["code"]["code-omit"].clear()
    config.mapping("general.env-vars")["A"] = "1"
    assert ".git" in config.strings("code.code-omit")
    assert config.mapping("general.env-vars") == {}


def test_a_lookup_of_the_wrong_type_is_a_type_error(place: Place) -> None:
    config = place.load()
    lookups: list[tuple[Callable[[str], object], str]] = [
        (config.string, "general.maximize-metric"),
        (config.integer, "general.maximize-metric"),
        (config.integer, "hyperparameter-search.seed"),
        (config.boolean, "general.workspace"),
        (config.strings, "general.workspace"),
        (config.mapping, "general"),
        (config.number, "hyperparameter-search.concurrent"),
    ]
    for lookup, path in lookups:
        with pytest.raises(TypeError, match=re.escape(path)):
            lookup(path)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("genral.workspace", "did you mean 'general'?"),
        ("general.worskpace", "did you mean 'workspace'?"),
        ("code.workspace", "'workspace' belongs in general"),
        ("general.workspace.x", "'workspace' has no parts of its own"),
        ("general.env-vars.PATH", "valid names: HOME_DIR"),
        ("boxes.locla.gpus", "did you mean 'local'?"),
        ("setups.torch", "none is defined"),
        ("commands.x", "did you mean 'commands'?"),
    ],
)
def test_an_unknown_path_is_reported_with_the_nearest_name(
    place: Place, path: str, hint: str
) -> None:
    config = place.load(overrides={"general.env-vars": {"HOME_DIR": "x"}})
    with pytest.raises(UnknownNameError) as caught:
        config.get(path)
    assert (caught.value.message, caught.value.hint) == (f"there is no setting '{path}'", hint)


def test_targets_setups_and_boxes_are_found_by_name(place: Place) -> None:
    place.write("""\
        compute-targets:
          lab: {nodes: 2, setup: torch}
        setups:
          torch: {activate: "source venv/bin/activate", pip-packages: [torch]}
        boxes:
          gpu1.example.org: {max-runs: 2, gpus: "0,1"}
          idle:
        """)
    config = place.load(overrides={"xt-services.target": "lab"})
    target = config.target()
    assert (target.name, target.service, target.nodes, target.setup) == ("lab", "local", 2, "torch")
    setup = config.setup("torch")
    assert (setup.activate, setup.conda_packages, setup.pip_packages) == (
        "source venv/bin/activate",
        [],
        ["torch"],
    )
    box = config.box("gpu1.example.org")
    assert (box.max_runs, box.gpus) == (2, "0,1")
    assert config.get("boxes.gpu1.example.org.max-runs") == 2
    assert config.box("idle").max_runs is None


def test_an_unknown_target_is_reported_with_its_origin_and_the_nearest_name(place: Place) -> None:
    with pytest.raises(UnknownNameError) as caught:
        place.load({"XT_TARGET": "locl"}).target()
    assert caught.value.message == (
        "there is no compute target 'locl' (xt-services.target, environment XT_TARGET)"
    )
    assert caught.value.hint == "did you mean 'local'?"


def test_items_name_every_property_in_the_order_of_the_schema(place: Place) -> None:
    place.write("boxes: {b: {gpus: '0'}}\ngeneral: {env-vars: {A: x}}\n")
    items = list(place.load().items())
    sections = list(dict.fromkeys(path.split(".")[0] for path, _, _ in items))
    assert sections == list(SCHEMA)
    assert ("general.env-vars.A", "x", f"{place.project_file}:2") in items
    assert ("boxes.b.gpus", "0", f"{place.project_file}:1") in items
    assert ("setups", {}, "default") in items
    assert ("boxes.b.max-runs", None, "default") in items


# Files


def test_empty_files_and_sections_are_fine(place: Place) -> None:
    for text in ("", "# nothing\n", "---\n", "general:\ncode: {}\n", "\ufeffgeneral:\n"):
        place.write(text)
        assert place.load().as_dict() == place.load({"XT_CONFIG_FILE": os.devnull}).as_dict()


def test_scalars_keep_the_text_that_the_user_wrote(place: Place) -> None:
    place.write("""\
        general:
          username: no
          experiment: 007
          primary-metric: 1.10
          grace-seconds: 1e1
        hyperparameter-search: {seed: 010, search-type: ~, option-prefix: ""}
        logging: {mirror-files: "out/*"}
        """)
    config = place.load()
    assert config.string("general.username") == "no"
    assert config.string("general.experiment") == "007"
    assert config.string("general.primary-metric") == "1.10"
    assert config.number("general.grace-seconds") == 10.0
    assert config.integer("hyperparameter-search.seed") == 10
    assert config.optional_string("hyperparameter-search.search-type") is None
    assert config.string("hyperparameter-search.option-prefix") == ""
    assert config.strings("logging.mirror-files") == ["out/*"]
    place.write("logging: {mirror-files: null}\n")
    assert place.load().strings("logging.mirror-files") == []


def test_aliases_and_merge_keys_work(place: Place) -> None:
    place.write("""\
        compute-targets:
          small: &small {nodes: 2, setup: torch}
          large: {<<: *small, nodes: 8}
        """)
    large = place.load().target("large")
    assert (large.nodes, large.setup) == (8, "torch")


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        (
            "hyperparameter-search:\n  # c\n  concurent: 2\n",
            3,
            "unknown property 'concurent' in hyperparameter-search",
            "did you mean 'concurrent'?",
        ),
        (
            "xt-services:\n  zzz: 2\n",
            2,
            "unknown property 'zzz' in xt-services",
            "valid names: target",
        ),
        (
            "code:\n  workspace: a\n",
            2,
            "unknown property 'workspace' in code",
            "'workspace' belongs in general",
        ),
        (
            "compute-targets:\n  lab:\n    servise: local\n",
            3,
            "unknown property 'servise' in compute-targets.lab",
            "did you mean 'service'?",
        ),
        ("\ngenral: {}\n", 2, "unknown section 'genral'", "did you mean 'general'?"),
        ("workspace: a\n", 1, "unknown section 'workspace'", "'workspace' belongs in general"),
        (
            "general:\n  maximize-metric: maybe\n",
            2,
            "general.maximize-metric must be true or false, not 'maybe'",
            "",
        ),
        (
            'general:\n  maximize-metric: "true"\n',
            2,
            "general.maximize-metric must be true or false, not the text 'true'",
            "",
        ),
        (
            "hyperparameter-search: {search-type: bayes}\n",
            1,
            "hyperparameter-search.search-type must be grid, random, tpe, bayesian, gp, cmaes, "
            "qmc, nsga2, dgd or null, not 'bayes'",
            "",
        ),
        (
            "hyperparameter-search: {concurrent: 0}\n",
            1,
            "hyperparameter-search.concurrent must be a whole number of at least 1, not '0'",
            "",
        ),
        (
            "hyperparameter-search: {max-runs: 1.5}\n",
            1,
            "hyperparameter-search.max-runs must be a whole number of at least 1 or null, "
            "not '1.5'",
            "",
        ),
        (
            "general: {grace-seconds: .inf}\n",
            1,
            "general.grace-seconds must be a number of at least 0, not '.inf'",
            "",
        ),
        (
            "general: {workspace: a/b}\n",
            1,
            "general.workspace must be 2 to 63 letters, digits, '-' and '_' that begin with a "
            "letter or digit, not 'a/b'",
            "",
        ),
        ("general: {experiment: ''}\n", 1, "general.experiment must be some text, not ''", ""),
        ("general:\n  experiment:\n", 2, "general.experiment must be some text, not null", ""),
        ("general: {experiment: [a]}\n", 1, "general.experiment must be some text, not a list", ""),
        (
            "code:\n  code-omit: .git\n",
            2,
            "code.code-omit must be a list of text, not '.git'",
            "write it as a list: [.git]",
        ),
        (
            "code:\n  code-omit:\n  - a\n  - {b: c}\n",
            4,
            "every item of code.code-omit must be text",
            "",
        ),
        (
            "general: {env-vars: {'A=B': c}}\n",
            1,
            "a name in general.env-vars must be letters, digits and '_' that do not begin with a "
            "digit, not 'A=B'",
            "",
        ),
        (
            "general: {env-vars: [A]}\n",
            1,
            "general.env-vars must be a mapping of names to values",
            "",
        ),
        (
            "general:\n  workspace: aa\n  experiment: b\n  workspace: cc\n",
            4,
            "'workspace' appears twice in general (first on line 2)",
            "",
        ),
        ("code: {}\ncode: {}\n", 2, "'code' appears twice in the file (first on line 1)", ""),
        ("- a\n", 1, "the file must be a mapping of names to values", ""),
        ("general: aa\n", 1, "general must be a mapping of names to values", ""),
        ("general: {? [a] : b}\n", 1, "a name in general must be text", ""),
        ("boxes:\n  '': {}\n", 2, "a name in boxes is blank", ""),
        ("general: {workspace: !secret x}\n", 1, "the YAML tag '!secret' is not allowed", ""),
        ("a: 1\nb: \x01\n", 2, "a control character is not allowed", ""),
        (
            "general:\n  workspace: a: b\n",
            2,
            "mapping values are not allowed here",
            "the file must be valid YAML",
        ),
        (
            "general:\n\tworkspace: a\n",
            2,
            "while scanning for the next token, found character '\\t' that cannot start any token",
            "the file must be valid YAML",
        ),
        (
            "a: 1\n---\nb: 2\n",
            2,
            "expected a single document in the stream, but found another document",
            "the file must be valid YAML",
        ),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(
    place: Place, text: str, line: int, problem: str, hint: str
) -> None:
    place.project_file.write_text(text)
    error = place.error()
    assert isinstance(error, ConfigError)
    assert error.message == f"{place.project_file}:{line}: {problem}"
    assert error.hint == hint


@pytest.mark.parametrize("text", ["a: " + "[" * 5000, "boxes: {a: &a {<<: *a}}"])
def test_bottomless_nesting_is_an_error_like_any_other(place: Place, text: str) -> None:
    place.project_file.write_text(text)
    assert place.error().message == f"{place.project_file}:1: nested too deeply"


def test_a_file_that_is_not_utf_8_is_reported_with_its_line(place: Place) -> None:
    place.project_file.write_bytes(b"general:\n  username: \xff\n")
    assert place.error().message == f"{place.project_file}:2: not valid UTF-8"


def test_a_folder_or_a_broken_link_in_place_of_the_file_is_reported(place: Place) -> None:
    place.project_file.mkdir()
    assert place.error().message == (
        f"cannot read the configuration file {place.project_file}: Is a directory"
    )
    place.project_file.rmdir()
    place.project_file.symlink_to("nowhere.yaml")
    assert place.error().message == (
        f"cannot read the configuration file {place.project_file}: No such file or directory"
    )


# The schema and the template


def test_every_default_is_valid_and_no_environment_name_is_used_twice() -> None:
    names = [declared.env for _, declared in properties() if declared.env]
    assert len(names) == len(set(names))
    for section in SCHEMA.values():
        for declared in getattr(section, "properties", {}).values():
            assert declared.help.endswith(".")
            if declared.kind is not Kind.MAPPING:
                assert check(declared, declared.default) == declared.default


def test_the_template_changes_nothing_and_its_settings_are_the_defaults(place: Place) -> None:
    defaults = place.load().as_dict()
    place.project_file.write_text(default_config_text())
    assert place.load().as_dict() == defaults
    active = re.sub(r"(?m)^( *)# ( *[a-zA-Z-]+:(?: .*)?)$", r"\1\2", default_config_text())
    place.project_file.write_text(active)
    everything = place.load()
    assert everything.as_dict() == {
        **defaults,
        "setups": {"NAME": {"activate": None, "conda-packages": [], "pip-packages": []}},
    }
    defaulted = {path for path, _, origin in everything.items() if origin == "default"}
    assert defaulted == {"general.env-vars"}


# Edits


def values_by_path(config: Config) -> dict[str, object]:
    return {path: value for path, value, _ in config.items()}


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("", "general.workspace", "ws2", "general:\n  workspace: ws2\n"),
        (
            "# mine\ngeneral:\n  workspace: ws1  # why\n  experiment: e\n",
            "general.workspace",
            "ws2",
            "# mine\ngeneral:\n  workspace: ws2  # why\n  experiment: e\n",
        ),
        (
            "general:\n    # below\n    experiment: e\n",
            "general.workspace",
            "ws2",
            "general:\n    workspace: ws2\n    # below\n    experiment: e\n",
        ),
        (
            "general:\n  # workspace: ws1\n  # experiment: e\ncode:\n",
            "general.experiment",
            "f",
            "general:\n  # workspace: ws1\n  # experiment: e\n  experiment: f\ncode:\n",
        ),
        ("general:\n  workspace: w1\n", "general.xt-team-name", "007", None),
        (
            "general: {workspace: ws1}  # x\n",
            "general.experiment",
            "a, b",
            "general: {experiment: 'a, b', workspace: ws1}  # x\n",
        ),
        ("general: {}\n", "general.experiment", "e", "general: {experiment: e}\n"),
        (
            "code:\n  code-omit:\n    - a\n    - b\n\n# end\n",
            "code.code-omit",
            "x,*.y",
            "code:\n  code-omit: [x, '*.y']\n\n# end\n",
        ),
        (
            "code: {code-omit: [a,\n  b]}\n",
            "code.code-omit",
            "[]",
            "code: {code-omit: []}\n",
        ),
        (
            "code: {}",
            "hyperparameter-search.seed",
            "3",
            "code: {}\nhyperparameter-search:\n  seed: 3\n",
        ),
        (
            "hyperparameter-search:\n  seed:\n  max-runs: 4\n",
            "hyperparameter-search.max-runs",
            "null",
            "hyperparameter-search:\n  seed:\n  max-runs: null\n",
        ),
        (
            "hyperparameter-search:\n  seed:\n",
            "hyperparameter-search.seed",
            "5",
            "hyperparameter-search:\n  seed: 5\n",
        ),
        (
            "boxes:\n  local:\n    gpus: '0'\n",
            "boxes.gpu1.org.max-runs",
            "2",
            "boxes:\n  gpu1.org:\n    max-runs: 2\n  local:\n    gpus: '0'\n",
        ),
        (
            "boxes: {local: {}}\n",
            "boxes.b.max-runs",
            "2",
            "boxes: {b: {max-runs: 2}, local: {}}\n",
        ),
        (
            "general:\r\n  workspace: ws1\r\n",
            "general.env-vars.A",
            "yes",
            "general:\r\n  env-vars:\r\n    A: 'yes'\r\n  workspace: ws1\r\n",
        ),
        ("code: {}\n", "commands", "a b\nc", "code: {}\ncommands: [a b, c]\n"),
        ("general:\n  grace-seconds: 5\n", "general.grace-seconds", "2.50", None),
        ('general: {username: "ü"}\n', "general.username", "é\n#x", None),
    ],
)
def test_setting_a_property_keeps_the_rest_of_the_file(
    place: Place, before: str, path: str, value: str, after: str | None
) -> None:
    place.project_file.write_bytes(before.encode())
    old = values_by_path(place.load())
    write_setting(place.project_file, path, value)
    config = place.load()
    assert config.origin(path).startswith(f"{place.project_file}:")
    if after is not None:
        assert place.project_file.read_bytes().decode() == after
    new = values_by_path(config)
    assert {p: value for p, value in new.items() if p in old and p != path} == {
        p: value for p, value in old.items() if p in new and p != path
    }
    assert new[path] != old.get(path)
    assert [entry.name for entry in place.project.iterdir()] == ["xt_config.yaml"]


def test_a_new_file_is_made_with_its_folder(place: Place) -> None:
    file = place.project / "new" / "config.yaml"
    write_setting(file, "xt-services.target", "lab")
    assert file.read_text() == "xt-services:\n  target: lab\n"


def test_every_property_can_be_set_in_the_template(place: Place) -> None:
    place.project_file.write_text(default_config_text())
    for keys, declared in properties():
        value = {Kind.BOOLEAN: "no", Kind.INTEGER: "41", Kind.NUMBER: "41"}.get(
            declared.kind, declared.choices[0] if declared.choices else "text"
        )
        path = ".".join(keys) + (".KEY" if declared.kind is Kind.MAPPING else "")
        write_setting(place.project_file, path, value)
    write_setting(place.project_file, "setups.torch.pip-packages", "torch")
    write_setting(place.project_file, "boxes.local.max-runs", "2")
    config = place.load()
    assert {config.origin(".".join(keys)) for keys, _ in properties()}.isdisjoint({"default"})
    assert config.mapping("general.env-vars") == {"KEY": "text"}
    assert config.setup("torch").pip_packages == ["torch"]
    assert config.box("local").max_runs == 2
    kept = set(default_config_text().splitlines()) - set(
        place.project_file.read_text().splitlines()
    )
    assert kept == set()


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("general: &g\n  workspace: ws1\n  experiment: &e x\n  username: *e\n", "general.username"),
        ("general: &g\n  experiment: &e x\n  username: *e\n", "general.experiment"),
        ("setups:\n  a:\n    activate: |\n      one\n      two\n", "setups.a.activate"),
        ("code:\n  code-omit:\n  - a  # why\n  - b\n", "code.code-omit"),
        ("general: ~\n", "general.experiment"),
        ("general: {}\n...\n", "code.working-dir"),
    ],
)
def test_a_file_of_unusual_shape_stays_untouched(place: Place, before: str, path: str) -> None:
    place.project_file.write_text(before)
    with pytest.raises(ConfigError) as caught:
        write_setting(place.project_file, path, "new")
    assert caught.value.message == (
        f"cannot set {path} in {place.project_file}: the file is written in an unusual way"
    )
    assert caught.value.hint.startswith(f"edit it by hand: {path} should be ")
    assert place.project_file.read_text() == before


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("general.maximize-metric", "x", "general.maximize-metric must be true or false, not 'x'"),
        ("general", "x", "general is not a single setting"),
        ("boxes.local", "x", "boxes.local is not a single setting"),
        ("general.env-vars", "x", "general.env-vars is a mapping"),
        (
            "general.env-vars.A-B",
            "x",
            "a name must be letters, digits and '_' that do not begin with a digit, not 'A-B'",
        ),
        ("general.workspce", "x", "there is no setting 'general.workspce'"),
    ],
)
def test_a_wrong_setting_is_refused_before_the_file_is_touched(
    place: Place, path: str, value: str, message: str
) -> None:
    with pytest.raises(XTError) as caught:
        write_setting(place.project_file, path, value)
    assert caught.value.message == message
    assert not place.project_file.exists()


def test_an_invalid_file_is_reported_and_not_edited(place: Place) -> None:
    place.project_file.write_text("genral: {}\n")
    with pytest.raises(ConfigError, match=r":1: unknown section 'genral'$"):
        write_setting(place.project_file, "general.workspace", "ws2")
    assert place.project_file.read_text() == "genral: {}\n"


def test_an_edit_keeps_the_mode_of_the_file_and_follows_links(place: Place) -> None:
    real = place.project / "real.yaml"
    real.write_text("general: {}\n")
    real.chmod(0o640)
    place.project_file.symlink_to(real)
    write_setting(place.project_file, "general.workspace", "ws2")
    assert place.project_file.is_symlink()
    assert real.read_text() == "general: {workspace: ws2}\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_written_is_refused(place: Place) -> None:
    (place.project / "taken").write_text("a file, not a folder")
    with pytest.raises(RefusedError, match=r"^cannot write .*: (Not a directory|File exists)$"):
        write_setting(place.project / "taken" / "config.yaml", "general.workspace", "ws2")
