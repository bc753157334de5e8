"""Taking an entry out of a configuration file."""

from pathlib import Path

import pytest
from config_support import Place

from xt_core.config.removal import remove_entry
from xt_core.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# boxes of the lab\nboxes:\n  a: {address: x}\n  b:  # mine\n    address: y\n"
            "    # fast\n    max-runs: 2\n  c:\n    address: z\n# end\n",
            "# boxes of the lab\nboxes:\n  a: {address: x}\n  c:\n    address: z\n# end\n",
        ),
        (
            "boxes:\n  b:\n    actions:\n      - data\n      - model\n\n# next\ngeneral: {}\n",
            "boxes:\n\n# next\ngeneral: {}\n",
        ),
        ("boxes:\n  b:\n  c: {address: z}\n", "boxes:\n  c: {address: z}\n"),
        ("boxes:\n  c:\n  b: {address:\n    z}", "boxes:\n  c:"),
        ("boxes: {b: {address: x}, c: {}}\n", "boxes: {c: {}}\n"),
        ("boxes: {c: {}, b: {address: x}}  # two\n", "boxes: {c: {}}  # two\n"),
        ("boxes: {b: {address: x}}\n", "boxes: {}\n"),
    ],
)
def test_the_entry_goes_and_the_rest_stays(place: Place, before: str, after: str) -> None:
    place.write(before)
    remove_entry(place.project_file, "boxes", "b")
    assert place.project_file.read_text().rstrip("\n") == after.rstrip("\n")


def test_what_is_not_there_is_told(place: Place) -> None:
    place.write("boxes: {c: {}}\n")
    with pytest.raises(UnknownNameError, match=r"has no boxes\.b"):
        remove_entry(place.project_file, "boxes", "b")


@pytest.mark.parametrize(
    "text",
    [
        "boxes:\n  b: &b {address: x}\n  c: *b\n",
        "boxes:\n  <<: {b: {address: x}}\n",
        '{"boxes": {"b": {"address": "x",\n"port": 1}}, "seed": 1}\n',
    ],
)
def test_a_file_of_an_unusual_shape_stays_as_it_is(place: Place, text: str) -> None:
    place.write(text)
    with pytest.raises(ConfigError):
        remove_entry(place.project_file, "boxes", "b")
    assert Path(place.project_file).read_text() == text
