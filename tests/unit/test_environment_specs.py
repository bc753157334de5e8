"""From a setup and its files to what its environment holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from xt_core.config import Setup
from xt_core.errors import UsageError
from xt_core.submit.environments import EnvironmentSpec, environment_of

EMPTY = Setup("mine", None, None, ["conda-forge"], [], [], [])


def spec_of(tmp_path: Path, *requirements: str, **parts: object) -> EnvironmentSpec:
    setup = replace(EMPTY, requirements=list(requirements), **parts)  # type: ignore[arg-type]
    spec = environment_of(setup, tmp_path)
    assert spec is not None
    return spec


def test_a_setup_that_only_activates_has_no_environment(tmp_path: Path) -> None:
    assert environment_of(replace(EMPTY, activate="source x"), tmp_path) is None


def test_included_files_are_taken_in_and_constraints_become_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("# note\n\n-r sub/b.txt  # more\n-c sub/limits.txt\none==1\n")
    (tmp_path / "sub/b.txt").write_text("two>2\n--requirement=c.txt\n")
    (tmp_path / "sub/c.txt").write_text("three\n")
    (tmp_path / "sub/limits.txt").write_text("four<4\n")
    spec = spec_of(tmp_path, "a.txt", pip_packages=["zero"])
    assert spec.packages == ["zero", "two>2", "three", "-c constraints-0.txt", "one==1"]
    assert spec.constraints == {"constraints-0.txt": "four<4\n"}
    assert (spec.locked, spec.conda_channels) == ([], [])


def test_files_with_hashes_are_apart(tmp_path: Path) -> None:
    (tmp_path / "locked.txt").write_text("one==1 \\\n    --hash=sha256:aa\n    # via two\n")
    spec = spec_of(tmp_path, "locked.txt", pip_packages=["two"])
    assert spec.locked == [["one==1 \\", "--hash=sha256:aa"]]
    assert spec.packages == ["two"]


def test_a_pylock_becomes_lines_with_hashes(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text("""
lock-version = "1.0"
[[packages]]
name = "one"
version = "1.5"
marker = "python_version < '4'"
sdist = {url = "https://x/one.tar.gz", hashes = {sha256 = "bb"}}
wheels = [{url = "https://x/one.whl", hashes = {sha256 = "aa"}}]
""")
    line = "one==1.5 ; python_version < '4' --hash=sha256:aa --hash=sha256:bb"
    assert spec_of(tmp_path, "pylock.toml").locked == [[line]]


def test_a_uv_lock_comes_with_its_project(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    spec = spec_of(tmp_path, "uv.lock")
    assert spec.project == {"uv.lock": "version = 1\n", "pyproject.toml": "[project]\n"}
    with pytest.raises(UsageError, match=r"mine has conda-packages and a uv\.lock"):
        spec_of(tmp_path, "uv.lock", conda_packages=["numpy"])


@pytest.mark.parametrize(
    "line",
    ["-e .", "--editable=sub", ".", ".[dev]", "./a.whl", "../a", "one @ ../one", "one@file:./one"],
)
def test_what_lies_beside_the_file_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"{line}\n")
    with pytest.raises(UsageError, match=r"a\.txt has '.*', which a node does not have"):
        spec_of(tmp_path, "a.txt")


def test_what_every_machine_can_find_is_not(tmp_path: Path) -> None:
    lines = ["-e git+https://x/y#egg=y", "/shared/a.whl", "-e /shared/a", "a @ https://x/a.whl"]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    assert spec_of(tmp_path, "a.txt").packages == lines


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"cannot read .*a\.txt of setup mine: No such file"),
        ({"a.txt": "-r b.txt\n", "b.txt": "-r a.txt\n"}, r"a\.txt includes itself"),
        ({"a.txt": "-i https://me:secret@x/simple\none\n"}, r"a\.txt has a URL with a password"),
    ],
)
def test_bad_files(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        spec_of(tmp_path, "a.txt")


def test_a_password_may_be_a_variable_of_the_node(tmp_path: Path) -> None:
    line = "--index-url https://${USER}:${TOKEN}@x/simple"
    assert spec_of(tmp_path, pip_packages=[line, "one"]).packages == [line, "one"]


def test_a_lock_that_is_no_toml_or_locks_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text("nonsense")
    with pytest.raises(UsageError, match=r"pylock\.toml is no TOML file"):
        spec_of(tmp_path, "pylock.toml")
    (tmp_path / "pylock.toml").write_text('[[packages]]\nname = "a"\ndirectory = {path = "."}\n')
    with pytest.raises(UsageError, match=r"locks a to what is in no package index"):
        spec_of(tmp_path, "pylock.toml")


def test_the_hash_is_that_of_the_contents() -> None:
    one = EnvironmentSpec("one", packages=["six"])
    assert one.digest("x") == replace(one, setup="two").digest("x")
    others = [one.digest("y"), replace(one, python="3.12").digest("x"),
              replace(one, packages=["six", "ten"]).digest("x")]  # fmt: skip
    assert len({one.digest("x"), *others}) == 4
