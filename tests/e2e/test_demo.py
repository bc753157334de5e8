"""The demo and the documentation do what they say."""

import re
from pathlib import Path

import pytest
from support import Xt

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.both
def test_the_demo_runs_a_real_search_and_names_the_best_run(xt: Xt) -> None:
    done = xt("demo", "--no-tui", "--epochs", "1")
    assert re.search(r"^best run: run1\.\d+, test-acc 0\.\d{4} \(.*lr .*\)$", done.stdout, re.M)
    assert "12 of 12 runs completed, 0 running, 0 failed" in done.stderr
    job = xt.json("list", "jobs")["jobs"][0]
    assert (job["style"], job["search_type"], job["concurrent"]) == ("static", "grid", 2)
    assert job["counts"]["completed"] == 12
    assert job["best"]["value"] > 0.7
    runs = xt.json("list", "runs", "--all")["runs"]
    settings = {(run["hparams"]["lr"], run["hparams"]["hidden"]) for run in runs}
    assert settings == {(lr, hidden) for lr in (0.001, 0.01, 0.03, 0.1) for hidden in (0, 16, 32)}


def test_the_api_page_names_every_route() -> None:
    modules = ("api.py", "artifactroutes.py", "systemroutes.py")
    source = "".join((ROOT / "controller" / name).read_text() for name in modules)
    routes = set(re.findall(r'web\.(get|post)\("([^"]+)"', source))
    page = (ROOT / "docs" / "controller-api.md").read_text()
    written = {
        (method.lower(), re.sub(r"[A-Z]+", "*", path))
        for method, path in re.findall(r"`(GET|POST) (/[^`?]*)", page)
    }
    assert written == {(method, re.sub(r"\{\w+\}", "*", path)) for method, path in routes}


def test_the_scripts_and_files_that_the_documentation_names_are_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        text = page.read_text()
        for name in re.findall(r"`((?:benchmarks|docs|tests|examples)/[\w./-]+)`", text):
            assert (ROOT / name).exists(), f"{page} names {name}"
        for target in re.findall(r"\]\(([\w./-]+)\)", text):
            assert (page.parent / target).exists(), f"{page} links {target}"


def test_every_command_of_the_documentation_exists() -> None:
    from xt_core.cli.table import COMMANDS

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    commands = set(re.findall(r"^xt ([a-z]+)", text, re.M))
    assert commands <= set(COMMANDS)
    assert {"run", "status", "list", "view", "attach", "plot", "cancel", "restart"} <= commands
