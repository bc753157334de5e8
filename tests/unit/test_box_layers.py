"""What boxes need is worked out once for all that are alike."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from xt_core.bootstrap import installation
from xt_core.bootstrap.box import digest_of
from xt_core.bootstrap.pythons import Python, own_python
from xt_core.nodes.boxlayers import BoxLayers


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The needs that were worked out, in order."""
    calls = list[tuple[str, ...]]()

    def digests(needs: Sequence[str], python: Python) -> frozenset[str]:
        calls.append((*needs, python.executable))
        return frozenset({f"{need} {len(calls)}" for need in needs})

    monkeypatch.setattr(installation, "layer_digests", digests)
    return calls


def remember(folder: Path, box: str, python: Python) -> None:
    """XT was installed on a box of that name, for that Python."""
    known = folder / "boxes" / f"{digest_of(box)}.json"
    known.parent.mkdir(exist_ok=True)
    known.write_text(json.dumps({"python": asdict(python), "root": "/home/alice/.xt"}))


def test_boxes_that_are_alike_share_what_was_worked_out(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    layers, here = BoxLayers(tmp_path), replace(own_python(), executable="/a")
    remember(tmp_path, "gpu1", here)
    remember(tmp_path, "gpu2", here)
    remember(tmp_path, "gpu3", replace(here, executable="/b"))
    assert [layers.of(box, ["base"]) for box in ("gpu1", "gpu2", "gpu3", "gpu1")] == [
        frozenset({f"base {number}"}) for number in (1, 1, 2, 1)
    ]
    assert layers.of("gpu2", ["base", "search"]) == frozenset({"base 3", "search 3"})
    assert asked == [("base", "/a"), ("base", "/b"), ("base", "search", "/a")]


def test_after_an_installation_this_machine_is_looked_at_again(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    layers = BoxLayers(tmp_path)
    remember(tmp_path, "gpu1", own_python())
    assert layers.of("gpu1", ["base"]) == frozenset({"base 1"})
    layers.forget()
    assert layers.of("gpu1", ["base"]) == frozenset({"base 2"})


def test_of_a_box_that_was_never_prepared_nothing_is_known(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    layers = BoxLayers(tmp_path)
    assert layers.of("gpu1", ["base"]) is None
    remember(tmp_path, "gpu1", own_python())
    assert layers.of("gpu1", ["base"]) == frozenset({"base 1"})
