"""How the steps of a check are taken: in order, each limited in time, and cleaned up after."""

import os
import threading
from collections.abc import Callable

import pytest

from xt_core.cli.team import check_document, result_lines, skipped_line
from xt_core.errors import RefusedError, UnavailableError, WorkFailedError
from xt_core.teams.checks import check as checks
from xt_core.teams.checks.check import Check, Result, Step, compare_clocks, results


def refuse() -> str:
    raise RefusedError("it may not", "ask for it")


class Recorder:
    """A check whose steps note that they were taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def step(
        self, name: str, act: Callable[[], str] = lambda: "", *, is_apart: bool = False
    ) -> Step:
        def take() -> str:
            self.taken.append(name)
            return act()

        return Step(name, take, is_apart=is_apart)

    def check(self, *steps: Step) -> Check:
        return Check("stats", "lab", "external-services.lab.url", steps,
                     lambda: self.taken.append("close"))  # fmt: skip


def statuses(done: list[Result]) -> list[str]:
    return [str(result.status) for result in done]


def test_steps_are_taken_in_order_and_closed_at_the_end() -> None:
    recorder = Recorder()
    done = list(results(recorder.check(recorder.step("a", lambda: "well"), recorder.step("b")), 5))
    assert recorder.taken == ["a", "b", "close"]
    assert statuses(done) == ["passed", "passed"]
    assert [(result.what, result.detail, result.error) for result in done] == [
        ("a", "well", None), ("b", "", None),
    ]  # fmt: skip
    assert all(result.milliseconds is not None for result in done)


def test_what_builds_on_a_failure_is_not_tried() -> None:
    recorder = Recorder()
    check = recorder.check(recorder.step("a", refuse), recorder.step("b"), recorder.step("c"))
    done = list(results(check, 5))
    assert recorder.taken == ["a", "close"]
    assert statuses(done) == ["failed", "skipped", "skipped"]
    assert result_lines(done[0])[1:] == [
        "    external-services.lab.url: it may not",
        "    ask for it",
    ]
    assert skipped_line(done) == "– stats     lab: not tried: b; c"
    assert skipped_line(done[:1]) == ""
    document = check_document("lab", done)
    assert (document["team"], document["ok"], len(document["steps"])) == ("lab", False, 3)
    assert document["steps"][0]["error"] == {
        "kind": "refused", "message": "it may not", "hint": "ask for it",
    }  # fmt: skip
    assert document["steps"][2] == {
        "role": "stats", "service": "lab", "setting": "external-services.lab.url", "what": "c",
        "status": "skipped", "milliseconds": None, "detail": "", "error": None,
    }  # fmt: skip


def test_a_failure_apart_stops_nothing() -> None:
    recorder = Recorder()
    check = recorder.check(recorder.step("a", refuse, is_apart=True), recorder.step("b"))
    assert statuses(list(results(check, 5))) == ["failed", "passed"]
    assert recorder.taken == ["a", "b", "close"]


def test_a_step_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MARGIN_SECONDS", 0.0)
    recorder, released = Recorder(), threading.Event()

    def hang() -> str:
        released.wait()
        return ""

    check = recorder.check(recorder.step("a", hang, is_apart=True), recorder.step("b"))
    done = list(results(check, 0.05))
    released.set()
    assert recorder.taken == ["a"]  # closing would hang, too
    assert statuses(done) == ["failed", "skipped"]
    assert isinstance(done[0].error, UnavailableError)
    assert done[0].error.message == "it did not answer within 0.05 s"


def test_the_systems_own_errors_are_told() -> None:
    recorder = Recorder()
    done = list(results(recorder.check(recorder.step("a", lambda: os.readlink("/none"))), 5))
    assert isinstance(done[0].error, UnavailableError)
    assert "/none" in done[0].error.message


def test_a_mistake_of_the_program_is_not_hidden() -> None:
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError):
        list(results(recorder.check(recorder.step("a", lambda: str(1 // 0))), 5))
    assert recorder.taken == ["a", "close"]


def test_who_looks_no_further_has_it_closed_all_the_same() -> None:
    recorder = Recorder()
    taking = results(recorder.check(recorder.step("a"), recorder.step("b")), 5)
    next(taking)
    taking.close()  # type: ignore[attr-defined]
    assert recorder.taken == ["a", "close"]


def test_a_failure_to_clean_up_changes_no_result() -> None:
    def close() -> None:
        refuse()

    check = Check("stats", "lab", "s", [Step("a", lambda: "")], close)
    assert statuses(list(results(check, 5))) == ["passed"]


@pytest.mark.parametrize(
    ("theirs", "precision", "told"),
    [
        (100.5, 0.0, "within 1 s of each other"),
        (99.1, 0.0, "within 1 s of each other"),
        (98.0, 1.0, "1 s apart"),
        (103.0, 0.0, "2 s apart"),
        (95.0, 0.0, "5 s apart"),
        (106.0, 0.0, "5 s apart"),
    ],
)
def test_clocks_that_are_near_each_other_will_do(
    theirs: float, precision: float, told: str
) -> None:
    assert compare_clocks(theirs, 100.0, 101.0, precision) == told


@pytest.mark.parametrize(
    ("theirs", "precision", "told"),
    [
        (94.0, 0.0, "6 s ahead of"),
        (93.0, 1.0, "6 s ahead of"),
        (107.0, 0.0, "6 s behind"),
        (3701.0, 0.0, "3600 s behind"),
    ],
)
def test_clocks_that_are_apart_are_told(theirs: float, precision: float, told: str) -> None:
    with pytest.raises(WorkFailedError, match=f"this machine's clock is {told} the service's"):
        compare_clocks(theirs, 100.0, 101.0, precision)
