"""Every property of the sections `data` and `model` has an option of `xt run`."""

import pytest
from config_support import Place

from xt_core.config.properties import Section
from xt_core.config.schema import SCHEMA
from xt_core.submit.options import RUN_OPTIONS, RunRequest, command_line, request_from_texts

GIVEN: dict[str, tuple[str | bool, object]] = {
    "local": ("../mnist", "../mnist"),
    "upload": (True, True),
    "share-path": ("vision/mnist", "vision/mnist"),
    "action": ("download", "download"),
    "omit": ("a, *.tmp", ["a", "*.tmp"]),
    "writable": (True, True),
}


@pytest.mark.parametrize("kind", ["data", "model"])
def test_options_set_the_properties_of_their_names(place: Place, kind: str) -> None:
    section = SCHEMA[kind]
    assert isinstance(section, Section)
    assert list(section.properties) == [f"{kind}-{name}" for name in GIVEN]
    texts = {f"{kind}-{name}": text for name, (text, _) in GIVEN.items()}
    request = request_from_texts("train.py", texts)
    values = place.load(overrides=request.overrides()).get(kind)
    assert values == {f"{kind}-{name}": value for name, (_, value) in GIVEN.items()}
    assert command_line(request) == (
        f"xt run --{kind}-local ../mnist --{kind}-upload --{kind}-share-path vision/mnist "
        f"--{kind}-action download --{kind}-omit 'a, *.tmp' --{kind}-writable train.py"
    )


def test_the_options_are_in_a_group_of_their_own() -> None:
    names = [option.name for option in RUN_OPTIONS if option.group == "Data and models"]
    assert names == [f"{kind}-{name}" for kind in ("data", "model") for name in GIVEN]


def test_the_environment_turns_an_upload_off(place: Place) -> None:
    place.write("data: {data-local: mnist, data-upload: true}\n")
    assert place.load().boolean("data.data-upload")
    assert not place.load({"XT_DATA_UPLOAD": "false"}).boolean("data.data-upload")
    assert RunRequest().overrides() == {}
