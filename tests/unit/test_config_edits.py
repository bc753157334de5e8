"""Edits of configuration files: one setting changes, all else stays."""

import stat

import pytest
from config_support import Place

from xt_core.config import Config, default_config_text, write_setting
from xt_core.config.properties import Kind
from xt_core.config.schema import properties
from xt_core.errors import ConfigError, RefusedError, XTError


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
        path = ".".join(keys) + (".key" if declared.kind is Kind.MAPPING else "")
        write_setting(place.project_file, path, value)
    write_setting(place.project_file, "setups.torch.pip-packages", "torch")
    write_setting(place.project_file, "boxes.local.max-runs", "2")
    config = place.load()
    assert {config.origin(".".join(keys)) for keys, _ in properties()}.isdisjoint({"default"})
    assert config.mapping("general.env-vars") == {"key": "text"}
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
