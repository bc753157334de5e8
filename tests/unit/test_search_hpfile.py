"""Search spaces in YAML and JSON files."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Value
from xt_core.search.hpfile import SECTION_HINT, load_space
from xt_core.search.space import VALUES_HINT, Space


def load(folder: Path, text: str | bytes, name: str = "hp.yaml") -> Space:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return load_space(file, f"conf/{name}")


def values_of(space: Space, name: str) -> list[tuple[type, Value]]:
    return [(type(value), value) for value in space[name].choices or ()]


class TestYaml:
    def test_a_file_gives_the_space_under_hparams(self, tmp_path: Path) -> None:
        space = load(
            tmp_path,
            """
            # what is searched
            hparams:
              optimizer: [adam, sgd]
              momentum: {values: [0.8, 0.9], when: {optimizer: sgd}}
              model:
                kind: [cnn, mlp]
                depth: {values: $randint(2, 8), when: {model.kind: cnn}}
              lr: $loguniform(-9, -2)
              epochs: 5
            """,
        )
        assert space.describe() == {
            "optimizer": "[adam, sgd]",
            "momentum": {"values": "[0.8, 0.9]", "when": {"optimizer": "[sgd]"}},
            "model.kind": "[cnn, mlp]",
            "model.depth": {"values": "[$randint(2, 8)]", "when": {"model.kind": "[cnn]"}},
            "lr": "[$loguniform(-9, -2)]",
            "epochs": "[5]",
        }

    def test_an_unquoted_value_is_what_it_is_on_a_command_line(self, tmp_path: Path) -> None:
        space = load(
            tmp_path,
            "hparams: {x: [no, on, 007, 0x10, 1_000, 1:30, 2001-01-01, 1e-3, 1.0, -3, true, FALSE,"
            " .inf, -.INF, .nan, null, é]}",
        )
        assert values_of(space, "x") == [
            *((str, text) for text in ("no", "on", "007", "0x10", "1_000", "1:30", "2001-01-01")),
            *((float, 0.001), (float, 1.0), (int, -3), (bool, True), (bool, False)),
            *((str, text) for text in ("inf", "-inf", "nan", "null", "é")),
        ]

    def test_a_quoted_value_is_text(self, tmp_path: Path) -> None:
        space = load(tmp_path, """hparams: {x: ['1e-3', "3", 'true', 'a, b', '']}""")
        assert values_of(space, "x") == [(str, text) for text in ("1e-3", "3", "true", "a, b", "")]

    def test_names_are_their_text(self, tmp_path: Path) -> None:
        space = load(tmp_path, "hparams: {on: [1], 1: [2], 'a b': [3], é: {no: [4]}}")
        assert list(space) == ["on", "1", "a b", "é.no"]

    def test_distributions_between_braces_may_have_equal_parts(self, tmp_path: Path) -> None:
        space = load(
            tmp_path,
            "hparams: {a: $uniform(0, 1), b: $uniform(0, 1), c: {values: $choice(2, 1, 1, 3)}}",
        )
        assert space.describe() == {
            "a": "[$uniform(0, 1)]",
            "b": "[$uniform(0, 1)]",
            "c": "[2, 1, 1, 3]",
        }

    def test_an_alias_stands_for_its_node(self, tmp_path: Path) -> None:
        space = load(tmp_path, "hparams:\n  a: &v [1, 2]\n  b: *v\n")
        assert space.describe() == {"a": "[1, 2]", "b": "[1, 2]"}

    def test_a_byte_order_mark_is_no_text(self, tmp_path: Path) -> None:
        assert list(load(tmp_path, b"\xef\xbb\xbfhparams: {a: [1]}\r\n")) == ["a"]

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            (b"", "conf/hp.yaml: the file is empty", SECTION_HINT),
            (b"# nothing\n", "conf/hp.yaml: the file is empty", SECTION_HINT),
            (b"lr: [1]\n", "conf/hp.yaml: there is no hparams:", SECTION_HINT),
            (
                b"hparam: {lr: [1]}\n",
                "conf/hp.yaml: there is no hparams:",
                "write hparams: in place of hparam:",
            ),
            (b"- lr\n", "conf/hp.yaml:1: not a mapping of names to values", SECTION_HINT),
            (b"lr\n", "conf/hp.yaml:1: not a mapping of names to values", SECTION_HINT),
            (b"\nhparams:\n", "conf/hp.yaml:2: hparams is empty", SECTION_HINT),
            (b"hparams: {}\n", "conf/hp.yaml:1: hparams is empty", SECTION_HINT),
            (
                b"hparams: {a: [1]}\nruns: 3\n",
                "conf/hp.yaml:2: 'runs' beside hparams",
                "only hparams is read: remove it",
            ),
            (
                b"hparams: [a]\n",
                "conf/hp.yaml:1: the hyperparameters are not a mapping of names to values",
                "write one parameter a line, as in lr: [0.01, 0.03]",
            ),
            (
                b"hparams:\n  a: [1]\n  b: $unifrm(0, 1)\n",
                "conf/hp.yaml:3: hyperparameter b: unknown distribution $unifrm, "
                "in '[$unifrm(0, 1)]'",
                "did you mean [$uniform(low, high)]?",
            ),
            (
                b"hparams:\n  m:\n    a: [1]\n    b:\n",
                "conf/hp.yaml:4: hyperparameter m.b: no values",
                VALUES_HINT,
            ),
            (
                b"hparams:\n  a: [[1]]\n",
                "conf/hp.yaml:2: hyperparameter a: list is not a value, in '[1]'",
                "put it in quotes",
            ),
            (
                b"hparams:\n  a: [1]\n  b: [2]\n  a: [3]\n",
                "conf/hp.yaml:4: 'a' appears twice in hparams (first on line 2)",
                "remove one of the two",
            ),
            (
                b"hparams:\n  m:\n    a: [1]\n    a: [3]\n",
                "conf/hp.yaml:4: 'a' appears twice in hparams.m (first on line 3)",
                "remove one of the two",
            ),
            (
                b"hparams: {a: [1]}\nhparams: {a: [1]}\n",
                "conf/hp.yaml:2: 'hparams' appears twice (first on line 1)",
                "remove one of the two",
            ),
            (
                b"hparams:\n  m: {a: [1]}\n  m.a: [3]\n",
                "conf/hp.yaml:3: hyperparameter m.a: it is given twice",
                "remove one of the two",
            ),
            (
                b"hparams:\n  k: [a, b]\n  x:\n    values: [1]\n    when: {k: c}\n",
                "conf/hp.yaml:3: hyperparameter x: its condition has c, "
                "which is not a value of k, in '[a, b]'",
                "give k that value, or take another",
            ),
            (
                b"hparams:\n  a: [1\n  b: [2]\n",
                "conf/hp.yaml:3: while parsing a flow sequence, expected ',' or ']', but got ':'",
                "the file must be valid YAML",
            ),
            (
                b"hparams:\n  a: !!python/tuple [1]\n",
                "conf/hp.yaml:2: the YAML tag 'tag:yaml.org,2002:python/tuple' is not allowed",
                "remove the tag",
            ),
            (
                b"hparams:\n  <<: {a: [1]}\n",
                "conf/hp.yaml:2: a merge key is not allowed",
                "write the parameters out",
            ),
            (
                b"hparams:\n  ? [a]\n  : [1]\n",
                "conf/hp.yaml:2: a name is not text",
                "a name is a word, as lr",
            ),
            (
                b"hparams:\n  '': [1]\n",
                "conf/hp.yaml:1: the hyperparameter name '' is not text",
                "put the name in quotes: YAML reads on, no and 1 as something else",
            ),
            (
                b"hparams:\n  a: [\xff]\n",
                "conf/hp.yaml:2: not valid UTF-8",
                "save the file as UTF-8",
            ),
            (
                b"hparams: " + b"{a: " * 2000,
                "conf/hp.yaml: nested too deeply",
                "name nested parameters with dots",
            ),
            (
                b"hparams: &a {b: *a}",
                "conf/hp.yaml: nested too deeply",
                "name nested parameters with dots",
            ),
        ],
    )
    def test_a_wrong_file_is_refused_with_its_line(
        self, tmp_path: Path, text: bytes, message: str, hint: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            load(tmp_path, text)
        assert (caught.value.message, caught.value.hint) == (message, hint)

    def test_a_file_that_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        for path, reason in (
            (tmp_path / "none.yaml", "No such file or directory"),
            (tmp_path, "Is a directory"),
        ):
            with pytest.raises(UsageError) as caught:
                load_space(path, "hp.yaml")
            assert caught.value.message == f"cannot read the hyperparameter file hp.yaml: {reason}"
            assert caught.value.hint == "name a readable YAML or JSON file"


class TestJson:
    def test_a_json_file_gives_the_same_space(self, tmp_path: Path) -> None:
        written = {
            "lr": "$uniform(0, 1)",
            "kind": ["cnn", "1e-3", 1e-3, True, 5],
            "m": {"depth": {"values": [2, 4], "when": {"kind": "1e-3"}}},
            "é😀/\t": "😀\n",
        }
        for indent, ascii_only in ((None, True), ("\t", True), (2, False)):
            text = json.dumps({"hparams": written}, indent=indent, ensure_ascii=ascii_only)
            space = load(tmp_path, text.encode(), "hp.JSON")
            assert space.describe() == {
                "lr": "[$uniform(0, 1)]",
                "kind": '[cnn, "1e-3", 0.001, true, 5]',
                "m.depth": {"values": "[2, 4]", "when": {"kind": '["1e-3"]'}},
                "é😀/\t": '["😀\n"]',
            }

    def test_numbers_too_large_are_text(self, tmp_path: Path) -> None:
        digits = "9" * 5000
        space = load(tmp_path, f'{{"hparams": {{"x": [{digits}, 1e999, -1]}}}}', "hp.json")
        assert values_of(space, "x") == [(str, digits), (str, "1e999"), (int, -1)]

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("hparams: {a: [1]}", "conf/hp.json:1: Expecting value", "the file must be valid JSON"),
            (
                '{"hparams":\n {"a": [1],}}',
                "conf/hp.json:2: Expecting property name enclosed in double quotes",
                "the file must be valid JSON",
            ),
            (
                '{"hparams": {\n"a": [1],\n"a": [2]}}',
                "conf/hp.json:3: 'a' appears twice in hparams (first on line 2)",
                "remove one of the two",
            ),
            (
                '{"hparams": {\n\t"a": [1],\n\t"b": []}}',
                "conf/hp.json:3: hyperparameter b: no values, in '[]'",
                VALUES_HINT,
            ),
            ('{"a": [1]}', "conf/hp.json: there is no hparams:", SECTION_HINT),
            ("[]", "conf/hp.json:1: not a mapping of names to values", SECTION_HINT),
        ],
    )
    def test_a_wrong_file_is_refused_with_its_line(
        self, tmp_path: Path, text: str, message: str, hint: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            load(tmp_path, text, "hp.json")
        assert (caught.value.message, caught.value.hint) == (message, hint)
