"""`xt rerun`: a submission made again, as it was or changed."""

import json

from support import Xt

ECHO = "import os, sys; print(sys.argv[1:], os.environ.get('A'))"


def test_a_run_is_made_again_as_it_was_or_changed(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    xt.submit("--env", "A=1", "--experiment", "first", "echo.py", "--lr=0.1", "a b")
    assert xt.wait_job("job1") == "completed"
    assert xt.json("rerun", "run1")["runs"] == ["run2"]
    assert xt.wait_job("job2") == "completed"
    assert xt.console("run2") == xt.console("run1") == b"['--lr=0.1', 'a b'] 1\n"
    assert xt.run("run2").experiment == "first"
    xt("rerun", "run1", "--env", "A=2", "--wait", "--", "--lr=0.5", "--json")
    assert xt.console("run3") == b"['--lr=0.5', 'a b', '--json'] 2\n"
    assert [xt.run(f"run{n}").hparams for n in (1, 2, 3)] == [
        {"lr": 0.1},
        {"lr": 0.1},
        {"lr": 0.5, "json": True},
    ]


def test_a_child_is_made_again_as_the_single_command_that_it_was(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    (xt.code / "space.yaml").write_text("hparams: {n: [1, 2], name: ['[a]', b]}\n")
    xt.submit("--hp-config", "space.yaml", "--concurrent", "4", "echo.py", "--lr=[.1]", "x")
    assert xt.wait_job("job1") == "completed"
    child = xt.run("run1.2")
    document = xt.json("rerun", child.name)
    assert (document["style"], document["work_items"]) == ("single", 1)
    assert xt.wait_job("job2") == "completed"
    assert xt.console("run2") == xt.console(child.name)


def test_a_search_is_made_again_with_its_seed_and_can_get_others(xt: Xt) -> None:
    xt.script("nothing.py", "")
    xt.submit("--runs", "3", "nothing.py", "--lr=[$uniform(0,1)]")
    assert xt.wait_job("job1") == "completed"

    def sets(*options: str) -> list[object]:
        plan = json.loads(xt("rerun", "job1", "--dry-run", "--json", *options).stdout)
        return [item["hparams"] for item in plan["items"]]

    of_job = [xt.run(f"run1.{n}").hparams for n in (1, 2, 3)]
    assert sets() == of_job
    assert sets("--runs", "5")[:3] == of_job
    assert sets("--seed", "1") != of_job


def test_the_code_is_the_present_one_or_that_of_the_job(xt: Xt) -> None:
    xt.script("say.py", "print('old')")
    xt.submit("say.py")
    assert xt.wait_job("job1") == "completed"
    xt.script("say.py", "print('new')")
    xt("rerun", "run1", "--wait")
    xt("rerun", "job1", "--wait", "--same-code")
    assert (xt.console("run2"), xt.console("run3")) == (b"new\n", b"old\n")


def test_listed_commands_are_made_again_one_by_one(xt: Xt) -> None:
    xt.script("echo.py", ECHO)
    (xt.code / "commands.txt").write_text("echo.py one\necho.py two\n")
    xt.submit("--multi-commands", "commands.txt")
    assert xt.wait_job("job1") == "completed"
    (xt.code / "commands.txt").unlink()
    second = next(run for run in xt.children("job1") if run.run_index == 1)
    xt("rerun", second.name, "--wait")
    assert xt.console("run2") == b"['two'] None\n"


def test_what_cannot_be_made_again_says_why(xt: Xt) -> None:
    xt.script("nothing.py", "")
    xt.submit("--no-code", "nothing.py")
    assert xt.wait_job("job1") == "completed"
    assert "no run named run9" in xt("rerun", "run9", code=3).stderr
    assert "kept no code" in xt("rerun", "run1", "--same-code", code=5).stderr
    xt.session.artifacts.delete("ws1/jobs/job1/mrc.json")
    assert "the MRC of job1 is not stored" in xt("rerun", "job1", code=3).stderr


def test_a_rerun_and_what_it_was_made_from_tell_of_each_other(xt: Xt) -> None:
    xt.script("nothing.py", "")
    xt.submit("--runs", "2", "nothing.py", "--lr=[$uniform(0,1)]")
    assert xt.wait_job("job1") == "completed"
    xt("rerun", "run1.2", "--wait")
    xt("rerun", "job1", "--wait", "--runs", "1")
    xt("rerun", "run2", "--wait", "--workspace", "other")
    jobs = {job["name"]: job["rerun_of"] for job in xt.json("list", "jobs")["jobs"]}
    assert jobs == {"job1": None, "job2": "run1.2", "job3": "job1"}
    runs = xt.json("list", "runs", "--filter", "rerun_of=job1")["runs"]
    assert [(run["name"], run["rerun_of"]) for run in runs] == [("run3.1", "job1")]
    listed = xt("list", "jobs", "--filter", "rerun_of=run1.2", "--columns", "job,rerun_of").stdout
    assert [line.split() for line in listed.splitlines()[::2]] == [
        ["job", "rerun", "of"], ["job2", "run1.2"],
    ]  # fmt: skip
    assert json.loads(xt.artifact("ws1/jobs/job2/mrc.json"))["rerun_of"] == "run1.2"
    assert xt.json("view", "job", "job4")["rerun_of"] == "ws1/run2"
    assert [xt.json("view", "job", f"job{n}")["reruns"] for n in (1, 2, 3)] == [
        ["job2", "job3"], ["job4"], [],
    ]  # fmt: skip
    seen = xt.json("view", "run", "run1.2")
    assert (seen["rerun_of"], seen["reruns"]) == (None, ["job2"])
    assert "  rerun as     job2 (of run1.2), job3\n" in xt("view", "job", "job1").stdout
    assert "  rerun of     run1.2\n  rerun as     job4\n" in xt("view", "run", "run2").stdout


def test_a_rerun_that_is_only_shown_tells_what_it_would_be_made_from(xt: Xt) -> None:
    xt.script("nothing.py", "")
    xt.submit("nothing.py")
    assert xt.wait_job("job1") == "completed"
    plan = json.loads(xt("rerun", "run1", "--dry-run", "--json").stdout)
    assert plan["mrc"]["rerun_of"] == "run1"
    assert xt.json("view", "run", "run1")["reruns"] == []
