"""Keys as blob names: each key has one, and comes back from it."""

import random

import pytest

from xt_core.artifacts.blob_names import blob_name, key_of
from xt_core.errors import UsageError

NAMES = {
    "ws1/runs/run3/logs/output.txt": "ws1/runs/run3/logs/output.txt",
    "a b/é/漢字😀": "a b/é/漢字😀",
    "100%": "100%25",
    "%41": "%2541",
    "dot./dots..": "dot%2E/dots.%2E",
    ".hidden/a.b": ".hidden/a.b",
    "tab\tnewline\n": "tab%09newline%0A",
    "\x85": "%C2%85",
    "\uffff": "%EF%BF%BF",
    "bad-\udcff": "bad-%FF",
}


@pytest.mark.parametrize(("key", "name"), NAMES.items())
def test_a_key_has_one_name_and_comes_back_from_it(key: str, name: str) -> None:
    assert blob_name(key) == name
    assert key_of(name) == key


def test_any_key_comes_back() -> None:
    source = random.Random(1)
    letters = [
        "a",
        "%",
        ".",
        "/",
        "2",
        "E",
        "F",
        "\n",
        "\x7f",
        "é",
        "😀",
        "\udc80",
        "\udcc3",
        "\udca9",
    ]
    tried = 0
    while tried < 5000:
        key = "".join(source.choices(letters, k=source.randrange(1, 12)))
        try:
            name = blob_name(key)
        except UsageError:
            continue
        raw = key.encode("utf-8", "surrogateescape")
        if raw.decode("utf-8", "surrogateescape") != key:
            continue  # no file name is decoded like this
        tried += 1
        assert key_of(name) == key
        assert not name.endswith(".")
        assert "./" not in name
        assert name.isprintable()


@pytest.mark.parametrize(
    "name",
    ["50% of it", "%41", "%2e", "dot.", "a//b", "/a", "", "a/", ".tmp/x", ".shared/d1"],
)
def test_what_xt_did_not_name_is_no_key(name: str) -> None:
    assert key_of(name) is None


def test_what_is_too_long_is_refused() -> None:
    assert len(blob_name("a" * 1024)) == 1024
    assert blob_name("/".join("a" * 254)).count("/") == 253
    for key in ("a" * 1025, "%" * 342, "/".join("a" * 255)):
        with pytest.raises(UsageError, match="too long for a blob"):
            blob_name(key)
