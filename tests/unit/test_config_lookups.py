"""Configuration as it is asked for; the schema, and the template made of it."""

import re
from collections.abc import Callable

import pytest
from config_support import Place

from xt_core.config import default_config_text
from xt_core.config.properties import Kind
from xt_core.config.schema import SCHEMA, properties
from xt_core.config.values import check
from xt_core.errors import UnknownNameError


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
        "setups": {
            "NAME": {
                "activate": None,
                "python": None,
                "conda-packages": [],
                "conda-channels": ["conda-forge"],
                "pip-packages": [],
                "requirements": [],
            }
        },
        "external-services": {
            "NAME": {
                "type": "storage",
                "provider": "directory",
                "path": None,
                "connection-string": None,
                "account-url": None,
                "container": None,
                "mongo-connection-string": None,
                "database": None,
                "url": None,
            }
        },
        "teams": {"NAME": {"storage": None, "mongo": None, "vault": None}},
    }
    defaulted = {path for path, _, origin in everything.items() if origin == "default"}
    assert defaulted == {"general.env-vars", "tui.keys"}
