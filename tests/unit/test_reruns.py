"""What is said of the jobs that were made from a run or a job."""

from xt_core.model.records import Job
from xt_core.reports.reruns import reruns_text


def rerun(number: int, origin: str) -> Job:
    return Job(f"job{number}", "ws1", "e", "single", "local", "me", 1.0, 1, 1, rerun_of=origin)


def test_reruns_of_what_belongs_to_it_say_of_what() -> None:
    reruns = [rerun(40, "job1"), rerun(41, "run35.2"), rerun(42, "ws2/run3")]
    assert reruns_text("job1", reruns) == "job40, job41 (of run35.2), job42 (of ws2/run3)"
    assert reruns_text("ws1/run35.2", [rerun(41, "run35.2")]) == "job41"
    assert reruns_text("job1", []) == ""


def test_of_many_reruns_the_newest_are_named() -> None:
    reruns = [rerun(number, "job1") for number in range(2, 1_012)]
    newest = ", ".join(f"job{number}" for number in range(1_004, 1_012))
    assert reruns_text("job1", reruns) == f"1,002 earlier, {newest}"
