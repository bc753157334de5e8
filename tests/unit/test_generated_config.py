"""The config file that a run finds its hyperparameters in."""

import json
import math
import random
import stat
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from xt_core.errors import RefusedError, UsageError
from xt_core.model.records import Value
from xt_core.submit.generated import check_nesting, write_generated

HEADER = "# Hyperparameters of run35.2 (set 3), written by XT.\n"
CONFLICT_HINT = "rename the hyperparameter, or the entry of the file"


def write(file: Path, hparams: dict[str, Value], before: str | None = None) -> str:
    """The text of the file afterwards, its comment line taken off where it has one."""
    if before is not None:
        file.write_text(dedent(before), encoding="utf-8")
    write_generated(file, hparams, "run35.2", 3)
    return file.read_text(encoding="utf-8").removeprefix(HEADER)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.fixture
def json_config(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


class TestNew:
    def test_a_yaml_file_says_which_set_it_is_and_nests_by_dots(self, config: Path) -> None:
        hparams: dict[str, Value] = {
            "lr": 1e-05,
            "model.depth": 4,
            "opt": "adam",
            "model.enc.norm": True,
        }
        write_generated(config, hparams, "run35.2", 3)
        assert config.read_text() == (
            "# Hyperparameters of run35.2 (set 3), written by XT.\n"
            "lr: 1.0e-05\nmodel:\n  depth: 4\n  enc:\n    norm: true\nopt: adam\n"
        )

    def test_a_json_file_holds_the_set_and_nothing_else(self, json_config: Path) -> None:
        hparams: dict[str, Value] = {"lr": 1e-05, "model.depth": 4, "é": "ü😀", "none": None}
        assert write(json_config, hparams) == (
            '{\n  "lr": 1e-05,\n  "model": {\n    "depth": 4\n  },\n'
            '  "é": "ü😀",\n  "none": null\n}\n'
        )

    def test_an_empty_set_is_an_empty_mapping(self, config: Path, json_config: Path) -> None:
        assert write(config, {}) == "{}\n"
        assert write(json_config, {}) == "{}\n"

    def test_folders_are_made(self, tmp_path: Path) -> None:
        assert write(tmp_path / "conf" / "run" / "hp.yml", {"a": 1}) == "a: 1\n"
        assert [path.name for path in (tmp_path / "conf" / "run").iterdir()] == ["hp.yml"]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.1, "0.1"),
            (1e-05, "1.0e-05"),
            (1e22, "1.0e+22"),
            (2.0, "2.0"),
            (math.inf, ".inf"),
            (-math.inf, "-.inf"),
            (math.nan, ".nan"),
            (-3, "-3"),
            (False, "false"),
            (None, "null"),
            ("word", "word"),
            ("a/b.c", "a/b.c"),
            ("Zürich 😀", "'Zürich 😀'"),
            ("1e-3", "'1e-3'"),
            ("3", "'3'"),
            ("no", "'no'"),
            ("y", "'y'"),
            ("true", "'true'"),
            ("null", "'null'"),
            ("", "''"),
            ("it's", "'it''s'"),
            ("a: b #c", "'a: b #c'"),
            ("a\nb", '"a\\nb"'),
            ("\udcff", '"\\uDCFF"'),
        ],
    )
    def test_a_value_is_written_so_that_every_yaml_reads_it_back(
        self, config: Path, value: Value, text: str
    ) -> None:
        assert write(config, {"x": value}) == f"x: {text}\n"
        read = yaml.safe_load(config.read_text())["x"]
        assert repr(read) == repr(value)

    def test_json_keeps_text_that_is_not_unicode(self, json_config: Path) -> None:
        assert write(json_config, {"x": "a\udcff"}) == '{\n  "x": "a\\udcff"\n}\n'

    def test_json_has_no_infinity(self, json_config: Path) -> None:
        with pytest.raises(UsageError) as caught:
            write(json_config, {"m.x": math.inf})
        assert caught.value.message == "hyperparameter m.x: JSON has no inf"
        assert caught.value.hint == "generate a YAML file, as config.yaml"
        assert not json_config.exists()

    @pytest.mark.parametrize("seed", range(20))
    def test_any_values_are_read_back_exactly(self, tmp_path: Path, seed: int) -> None:
        generator = random.Random(seed)
        hparams = {f"p{i}.{word(generator)}": any_value(generator) for i in range(50)}
        nested: dict[str, dict[str, Value]] = {}
        for name, value in hparams.items():
            outer, _, inner = name.partition(".")
            nested[outer] = {inner: value}
        write(tmp_path / "a.yaml", hparams)
        assert repr(yaml.safe_load((tmp_path / "a.yaml").read_text("utf-8"))) == repr(nested)
        write(tmp_path / "a.json", hparams)
        assert repr(json.loads((tmp_path / "a.json").read_text("utf-8"))) == repr(nested)


def word(generator: random.Random) -> str:
    letters = "aynNY01-_ :#'\"\\é😀\n\t\u2028\x7f\ud800[]{},&*!|>%@`~=<?\ufeff\x00"
    return "".join(generator.choice(letters) for _ in range(generator.randint(1, 6)))


def any_value(generator: random.Random) -> Value:
    return generator.choice(
        [
            generator.uniform(-1, 1) * 10.0 ** generator.randint(-300, 300),
            generator.randint(-(2**63), 2**63 - 1),
            generator.random() < 0.5,
            word(generator),
            word(generator) * 60,
            str(generator.uniform(0, 1e-6)),
            None,
        ]
    )


class TestMerged:
    def test_the_entries_of_a_users_file_stay(self, config: Path) -> None:
        before = """\
            # mine
            seed: 010          # octal
            lr: 1e-3
            model: {kind: "cnn", depth: 2}
            date: 2001-01-01
            include: !include other.yaml
            text: |
              two
              lines
            empty:
        """
        after = """\
            seed: 010
            lr: 0.5
            model: {kind: "cnn", depth: 4, width: 8}
            date: 2001-01-01
            include: !include 'other.yaml'
            text: |
              two
              lines
            empty:
              x: 1
            new: word
        """
        hparams: dict[str, Value] = {
            "lr": 0.5,
            "model.depth": 4,
            "model.width": 8,
            "empty.x": 1,
            "new": "word",
        }
        assert write(config, hparams, before) == dedent(after)

    def test_the_entries_of_a_users_json_stay(self, json_config: Path) -> None:
        before = '{"z": [1, {"a": null}], "lr": 1, "model": {"kind": "é"}, "empty": null}'
        text = write(json_config, {"model.depth": 4, "lr": 0.5, "empty.x": 1}, before)
        assert json.loads(text) == {
            "z": [1, {"a": None}],
            "lr": 0.5,
            "model": {"kind": "é", "depth": 4},
            "empty": {"x": 1},
        }
        assert list(json.loads(text)) == ["z", "lr", "model", "empty"]

    @pytest.mark.parametrize(
        ("name", "before"),
        [
            ("a.yaml", "# c\nm: {x: 1}\nb: &b [1]\nc: *b\nt: >\n  a\n  b\n"),
            ("a.json", '{"m": {}}'),
        ],
    )
    def test_writing_a_set_again_changes_nothing(
        self, tmp_path: Path, name: str, before: str
    ) -> None:
        hparams: dict[str, Value] = {"m.y": 1e-07, "s": "no\n", "k.l.m": True}
        first = write(tmp_path / name, hparams, before)
        assert write(tmp_path / name, hparams) == first

    def test_a_key_with_a_dot_that_is_there_is_used(self, tmp_path: Path) -> None:
        hparams: dict[str, Value] = {"model.depth": 4, "model.enc.width": 8}
        before = {"model.depth": 2, "model": {"enc.width": 1, "k": 0}}
        after = {"model.depth": 4, "model": {"enc.width": 8, "k": 0}}
        assert yaml.safe_load(write(tmp_path / "a.yaml", hparams, json.dumps(before))) == after
        assert json.loads(write(tmp_path / "a.json", hparams, json.dumps(before))) == after

    def test_what_is_aliased_changes_only_where_it_is_named(self, config: Path) -> None:
        before = """\
            base: &base {lr: 1, enc: {depth: 1, width: 2}}
            one: *base
            two: {<<: *base, x: 3}
            three: {<<: [{y: 0}, *base]}
        """
        after = yaml.safe_load(
            write(config, {"one.lr": 5, "two.enc.depth": 6, "three.lr": 7}, before)
        )
        assert after == {
            "base": {"lr": 1, "enc": {"depth": 1, "width": 2}},
            "one": {"lr": 5, "enc": {"depth": 1, "width": 2}},
            "two": {"lr": 1, "enc": {"depth": 6, "width": 2}, "x": 3},
            "three": {"y": 0, "lr": 7, "enc": {"depth": 1, "width": 2}},
        }
        assert "*" not in config.read_text().removeprefix(HEADER)

    @pytest.mark.parametrize("before", ["", "# nothing\n", "---\n", "null\n", "{}\n"])
    def test_a_file_without_entries_is_filled(self, config: Path, before: str) -> None:
        assert yaml.safe_load(write(config, {"a.b": 1}, before)) == {"a": {"b": 1}}

    @pytest.mark.parametrize(
        ("name", "before", "message", "hint"),
        [
            (
                "a.yaml",
                "m: 1\nx: cnn\n",
                ":2: x is a value, but x.y needs a mapping",
                CONFLICT_HINT,
            ),
            ("a.yaml", "x: [1]\n", ":1: x is a value, but x.y needs a mapping", CONFLICT_HINT),
            ("a.yaml", "x: {y: {z: 1}}\n", ":1: y is a mapping, but x.y is a value", CONFLICT_HINT),
            (
                "a.yaml",
                "x:\n  y.z: 1\n  y:\n    a: 1\n",
                ":4: y is a mapping, but x.y is a value",
                CONFLICT_HINT,
            ),
            ("a.json", '{"x": 1}', ": x is a value, but x.y needs a mapping", CONFLICT_HINT),
            ("a.json", '{"x": {"y": {}}}', ": y is a mapping, but x.y is a value", CONFLICT_HINT),
            (
                "a.yaml",
                "\n- a\n",
                ":2: not a mapping, so hyperparameters cannot be added",
                "make it a mapping of names to values, or generate a file of another name",
            ),
            (
                "a.json",
                "[]",
                ": not a mapping, so hyperparameters cannot be added",
                "make it a mapping of names to values, or generate a file of another name",
            ),
            (
                "a.yaml",
                "a: [1\nb: 2\n",
                ":2: while parsing a flow sequence, expected ',' or ']', but got ':'",
                "the file must be valid YAML",
            ),
            ("a.json", "{\n'a': 1}", None, "the file must be valid JSON"),
            (
                "a.yaml",
                "{a: " * 2000,
                ": nested too deeply",
                "generate a file of another name",
            ),
        ],
    )
    def test_a_file_that_cannot_take_the_set_is_refused_and_stays(
        self, tmp_path: Path, name: str, before: str, message: str | None, hint: str
    ) -> None:
        file = tmp_path / name
        with pytest.raises(UsageError) as caught:
            write(file, {"x.y": 1}, before)
        expected = ":2: Expecting property name enclosed in double quotes"
        assert caught.value.message == f"{file}{message or expected}"
        assert caught.value.hint == hint
        assert file.read_text() == before

    def test_a_file_that_is_not_utf8_is_refused(self, config: Path) -> None:
        config.write_bytes(b"a: 1\nb: \xff\n")
        with pytest.raises(UsageError) as caught:
            write(config, {"a": 2})
        assert caught.value.message == f"{config}:2: not valid UTF-8"
        assert caught.value.hint == "save the file as UTF-8"


class TestFiles:
    def test_the_mode_of_a_file_stays(self, config: Path) -> None:
        config.write_text("a: 1\n")
        config.chmod(0o640)
        write(config, {"a": 2})
        assert stat.S_IMODE(config.stat().st_mode) == 0o640

    def test_what_a_link_leads_to_stays_as_it_is(self, tmp_path: Path, config: Path) -> None:
        original = tmp_path / "original.yaml"
        original.write_text("a: 1\n")
        config.symlink_to(original)
        assert write(config, {"b": 2}) == "a: 1\nb: 2\n"
        assert original.read_text() == "a: 1\n"
        assert not config.is_symlink()

    def test_a_folder_in_its_place_is_refused(self, config: Path) -> None:
        config.mkdir()
        with pytest.raises(UsageError) as caught:
            write(config, {"a": 1})
        assert caught.value.message == f"cannot read the config file {config}: Is a directory"
        assert caught.value.hint == "name a file that XT can write"

    def test_what_cannot_be_written_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to(tmp_path / "gone" / "away")
        with pytest.raises(RefusedError) as caught:
            write(tmp_path / "loop" / "config.yaml", {"a": 1})
        assert caught.value.message.startswith(f"cannot write {tmp_path / 'loop' / 'config.yaml'}:")
        assert caught.value.hint == "check the folder's permissions"


@pytest.mark.parametrize(
    ("names", "message", "hint"),
    [
        (
            ["model.depth", "model"],
            "hyperparameter model is a value, but model.depth makes it a mapping",
            "rename one of them for the config file, as model.name",
        ),
        (
            ["a.b", "a.b.c.d"],
            "hyperparameter a.b is a value, but a.b.c.d makes it a mapping",
            "rename one of them for the config file, as a.b.name",
        ),
        (
            ["a..b"],
            "hyperparameter a..b: a part of the name is empty",
            "in a config file, dots stand between the names of nested entries, as model.depth",
        ),
    ],
)
def test_names_that_cannot_stand_in_one_file_are_refused(
    names: list[str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_nesting(names)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_names_that_begin_alike_can_stand_in_one_file() -> None:
    check_nesting(["model", "models.depth", "model-x.a", "m.odel"])
