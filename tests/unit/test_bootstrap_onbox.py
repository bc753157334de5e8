"""What is removed on a box, and what is not; and how trouble there is told."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xt_core.bootstrap import onbox

OLD_SECONDS = 2 * 3600


def add_version(root: Path, name: str, used: int, *layers: str) -> None:
    """A version over layers; `used` tells the order in which versions were used last."""
    for layer in layers:
        folder = root / "layers" / layer
        folder.mkdir(parents=True, exist_ok=True)
        long_ago = os.stat(root).st_mtime - OLD_SECONDS
        os.utime(folder, (long_ago, long_ago))
    folder = root / "versions" / name
    folder.mkdir(parents=True)
    record = folder / "installation.json"
    record.write_text(json.dumps({"layers": layers}))
    os.utime(record, (used, used))


def perform(root: Path, operation: str, **arguments: Any) -> Any:
    answer = onbox.perform({"operation": operation, "root": str(root), **arguments})
    assert list(answer) == ["result"], answer
    return answer["result"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_old_versions_go_and_the_layers_that_only_they_had(tmp_path: Path) -> None:
    for used, (name, layer) in enumerate([("v1", "a"), ("v2", "b"), ("v3", "c"), ("v4", "d")]):
        add_version(tmp_path, name, used + 1, layer, "shared")
    (tmp_path / "layers" / "new").mkdir()  # of a client that is about to make its version
    assert perform(tmp_path, "prune", version="v4") == ["v1", "a"]
    assert names(tmp_path / "versions") == ["v2", "v3", "v4"]
    assert names(tmp_path / "layers") == ["b", "c", "d", "new", "shared"]
    assert perform(tmp_path, "prune", version="v4") == []


@pytest.mark.parametrize("how", ["command line", "environment"])
def test_what_a_process_uses_stays(tmp_path: Path, how: str) -> None:
    for used in range(1, 6):
        add_version(tmp_path, f"v{used}", used, f"layer{used}")
    command, env = [sys.executable, "-c", "print(flush=True); input()"], dict(os.environ)
    if how == "environment":  # as a run's, whose Python may import from there
        env["PYTHONPATH"] = f"{tmp_path}/layers/layer1/lib"
        expected = ["v2", "v1", "layer2"]
    else:  # as a controller's, and as that of what it has forked
        command.append(f"{tmp_path}/versions/v1/bin/python")
        expected = ["v2", "layer2"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # from now on its command line is its own
        assert perform(tmp_path, "prune", version="v5") == expected
    finally:
        process.communicate(b"\n")
    left = ["v3", "v4", "v5"] if how == "environment" else ["v1", "v3", "v4", "v5"]
    assert names(tmp_path / "versions") == left
    assert "layer1" in names(tmp_path / "layers")


def test_drafts_of_those_who_were_killed_go(tmp_path: Path) -> None:
    add_version(tmp_path, "v1", 1, "a")
    for folder in ("layers/dead.draft", "versions/dead.draft", "layers/living.draft"):
        (tmp_path / folder / "half").mkdir(parents=True)
    lock = os.open(tmp_path / "layers" / "living.draft", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert perform(tmp_path, "prune", version="v1") == []
    finally:
        os.close(lock)
    assert (names(tmp_path / "layers"), names(tmp_path / "versions")) == (
        ["a", "living.draft"],
        ["v1"],
    )


def test_a_version_is_not_made_of_layers_that_are_gone(tmp_path: Path) -> None:
    perform(tmp_path, "survey", version="v1", archives={"a": "a.tar.gz"})
    assert (
        perform(tmp_path, "link", version="v1", paths=["a/lib"], record={"layers": ["a"]}) is False
    )
    assert names(tmp_path / "versions") == []


def test_a_version_whose_python_was_removed_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "layers" / "a").mkdir(parents=True)
    arguments: dict[str, Any] = {"version": "v1", "paths": ["a/."], "record": {"layers": ["a"]}}
    assert perform(tmp_path, "survey", version="v1", archives={"a": "x"})["is_there"] is False
    assert perform(tmp_path, "link", **arguments) is True
    python = tmp_path / "versions" / "v1" / "bin" / "python"
    assert perform(tmp_path, "survey", version="v1", archives={"a": "x"})["is_there"] is True
    python.unlink()
    python.symlink_to("/no/python")
    assert perform(tmp_path, "survey", version="v1", archives={"a": "x"})["is_there"] is False
    assert perform(tmp_path, "link", **arguments) is True
    assert python.exists()
    perform(tmp_path, "prune", version="v1")
    assert names(tmp_path / "versions") == ["v1"]


@pytest.mark.parametrize(
    ("number", "message", "kind"),
    [
        (errno.ENOSPC, "no space left for XT in {}", None),
        (errno.EROFS, "cannot install XT in {}: Read-only file system", "refused"),
        (errno.EACCES, "cannot install XT in {}: Permission denied", "refused"),
    ],
)
def test_trouble_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str, kind: str | None
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "makedirs", fail)
    request = {"operation": "survey", "root": str(tmp_path), "version": "v", "archives": {}}
    answer = onbox.perform(request)
    assert (answer["error"], answer.get("kind")) == (message.format(tmp_path), kind)
    assert answer["hint"]
