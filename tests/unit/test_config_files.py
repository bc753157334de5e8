"""Configuration files: how they are read, and mistakes told with file and line."""

import os

import pytest
from config_support import Place

from xt_core.errors import ConfigError


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
            "valid names: storage, mongo, vault, target",
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
