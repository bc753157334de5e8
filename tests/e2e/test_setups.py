"""Environments that setups ask for: real ones, of packages that the tests make."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from support import Xt, wait_until
from wheel_support import make_wheel

SHOW = """
import os, sys
import onepack
print(onepack.VERSION, sys.prefix == os.environ["VIRTUAL_ENV"], *sys.argv[1:])
"""


def configure(xt: Xt, tmp_path: Path, **setups: str) -> None:
    """Setups by name; WHEELS in their texts stands for a folder with the package onepack."""
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "onepack")
    lines = [f"  {name}: {text.replace('WHEELS', str(wheels))}" for name, text in setups.items()]
    (xt.code / "xt_config.yaml").write_text("\n".join(["setups:", *lines, ""]))
    for variable in [name for name in xt.environ if name.startswith(("PIP_", "UV_"))]:
        del xt.environ[variable]


ONE = '{pip-packages: [--no-index, "--find-links WHEELS", onepack]}'


def environments(xt: Xt) -> list[Path]:
    """The folders of environments that are there, whole or not."""
    return [path for path in (xt.home.root / "environments").iterdir() if path.is_dir()]


def setup_events(xt: Xt, run: str) -> list[dict[str, Any]]:
    return [each.data for each in xt.session.store.events("ws1", run) if each.event == "setup"]


def blocking_python(tmp_path: Path) -> Path:
    """A Python that waits until the file `gate` is there, and notes its process in `waiting`."""
    real = os.path.realpath(sys.executable)
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\necho $$ >> {tmp_path}/waiting\n"
        f'while [ ! -e {tmp_path}/gate ]; do sleep 0.02; done\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    return program


def wait_for_tool(tmp_path: Path, number: int = 1) -> int:
    """Wait until the blocking Python has been started so often; its process."""
    waiting = tmp_path / "waiting"
    wait_until(lambda: waiting.exists() and len(waiting.read_text().split()) >= number, "the tool")
    return int(waiting.read_text().split()[number - 1])


def is_gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def test_a_run_finds_the_packages_and_programs_of_its_setup(xt: Xt, tmp_path: Path) -> None:
    configure(xt, tmp_path, one=ONE.replace("}", ", activate: 'set -- \"$@\" last'}"))
    xt.script("show.py", SHOW)
    first = xt("run", "--attach", "--setup", "one", "show.py", "x  y")
    assert first.stdout == "1.0 True x  y last\n"
    lines = first.stderr.splitlines()
    assert lines[:2] == ["job1: run1 submitted", "run1: building the environment of setup one"]
    assert lines[2].startswith("run1: built the environment of setup one in ")
    assert len(lines) == 3
    assert xt.events("run1") == [
        "created", "queued", "setup", "setup", "download_before", "started", "ended",
        "capture_after",
    ]  # fmt: skip
    (folder,) = environments(xt)
    assert sorted(os.listdir(folder)) == ["build.log", "complete.json", "env", "packages.txt"]
    second = xt("run", "--attach", "--setup", "one", "onepack")  # a program that only it has
    assert (second.stdout, second.stderr) == ("1.0\n", "job2: run2 submitted\n")
    assert setup_events(xt, "run2") == [
        {"setup": "one", "environment": folder.name, "status": "found"}
    ]


def test_two_jobs_share_one_build(xt: Xt, tmp_path: Path) -> None:
    python = blocking_python(tmp_path)
    one = ONE.replace("}", f", python: {python}}}")
    configure(xt, tmp_path, one=one, same=one)
    xt.script("prep.py", "import onepack\nprint('prepared by', onepack.VERSION)\n")
    xt.script("show.py", SHOW)
    more = ("--parent-script", "prep.py")
    xt.submit("--runs", "2", "--setup", "one", *more, "show.py")
    wait_for_tool(tmp_path)
    xt.submit("--runs", "2", "--setup", "same", "show.py")
    wait_until(lambda: len(setup_events(xt, "run2")) == 1, "the second job's setup")
    (tmp_path / "gate").touch()
    assert (xt.wait_job("job1"), xt.wait_job("job2")) == ("completed", "completed")
    assert len((tmp_path / "waiting").read_text().split()) == 1
    for parent in ("run1", "run2"):
        statuses = [data["status"] for data in setup_events(xt, parent)]
        assert statuses == ["building", "ready"]
        assert [setup_events(xt, f"{parent}.{child}") for child in (1, 2)] == [[], []]
        assert [xt.console(f"{parent}.{child}") for child in (1, 2)] == [b"1.0 True\n"] * 2
    (folder,) = environments(xt)
    log = (folder / "build.log").read_bytes()
    first = log.decode().splitlines()[0]
    assert first.startswith("$ ")
    assert first.endswith(f" {folder}/env")
    assert xt.console("run1") == log + b"prepared by 1.0\n"
    assert xt.console("run2") == log[log.index(b"\n") + 1 :]  # it came after the first line


def test_a_package_that_is_not_there_fails_the_job_with_the_tools_own_words(
    xt: Xt, tmp_path: Path
) -> None:
    configure(xt, tmp_path, bad=ONE.replace("onepack]", "nopack]"))
    xt.script("show.py", SHOW)
    xt("run", "--wait", "--setup", "bad", "show.py", code=1)
    xt("run", "--wait", "--runs", "2", "--setup", "bad", "show.py", code=1)
    for run in ("run1", "run2"):
        assert xt.run(run).status == "error"
        error = xt.run(run).error
        assert error.startswith("setup bad: ")
        assert "failed with exit code 1:\n" in error
        assert "nopack" in error.splitlines()[-1]
        statuses = [data["status"] for data in setup_events(xt, run)]
        assert statuses == ["building", "failed"]  # the second job tried anew
        assert xt.console(run).startswith(b"$ ")
        assert error.splitlines()[-1].encode() in xt.console(run)
    counts = xt.json("list", "jobs", "--sort", "name")["jobs"][-1]["counts"]
    assert counts == {"unstarted": 0, "running": 0, "completed": 0, "error": 0, "cancelled": 2}
    (folder,) = environments(xt)
    assert not (folder / "complete.json").exists()


def test_a_controller_that_is_killed_in_mid_build_builds_anew(xt: Xt, tmp_path: Path) -> None:
    python = blocking_python(tmp_path)
    configure(xt, tmp_path, one=ONE.replace("}", f", python: {python}}}"))
    xt.script("show.py", SHOW)
    xt.submit("--setup", "one", "show.py")
    left = wait_for_tool(tmp_path)
    (folder,) = environments(xt)
    (folder / "env").mkdir(exist_ok=True)
    (folder / "env" / "half").touch()
    xt.kill_controller()
    assert not is_gone(left)
    xt("status")
    wait_for_tool(tmp_path, 2)
    wait_until(lambda: is_gone(left), "what the killed controller left to end")
    (tmp_path / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"1.0 True\n"
    assert [data["status"] for data in setup_events(xt, "run1")] == ["building"] * 2 + ["ready"]
    assert not (folder / "env" / "half").exists()
    assert len((tmp_path / "waiting").read_text().split()) == 2


@pytest.mark.parametrize("name", ["run1", "job1"])
def test_a_build_ends_when_nobody_waits_for_it_any_more(xt: Xt, tmp_path: Path, name: str) -> None:
    python = blocking_python(tmp_path)
    configure(xt, tmp_path, one=ONE.replace("}", f", python: {python}}}"))
    xt.submit("--setup", "one", "onepack")
    pid = wait_for_tool(tmp_path)
    xt("cancel", name[:3], name)
    assert is_gone(pid)
    assert (xt.run("run1").status, xt.run("run1").error) == ("cancelled", "")
    assert [data["status"] for data in setup_events(xt, "run1")] == ["building"]
    (tmp_path / "gate").touch()
    xt.submit("--setup", "one", "onepack")
    assert xt.wait_job("job2") == "completed"
    assert xt.console("run2") == b"1.0\n"


def test_nodes_of_a_machine_share_one_build(xt: Xt, tmp_path: Path) -> None:
    python = blocking_python(tmp_path)
    configure(xt, tmp_path, one=ONE.replace("}", f", python: {python}}}"))
    xt.submit("--nodes", "2", "--runs", "2", "--setup", "one", "onepack")
    wait_for_tool(tmp_path)
    waiting = b"waiting for another node of this machine, which builds the environment\n"
    consoles = [xt.home.node(f"node{i}").runs_dir / f"ws1/run{i + 1}/output.txt" for i in (0, 1)]

    def waits(path: Path) -> bool:
        return path.exists() and path.read_bytes() == waiting

    wait_until(lambda: any(map(waits, consoles)), "one to wait for the other")
    (tmp_path / "gate").touch()
    assert xt.wait_job("job1") == "completed"
    assert len((tmp_path / "waiting").read_text().split()) == 1
    assert sorted(xt.console(run) == waiting for run in ("run1", "run2")) == [False, True]


def test_a_conda_environment_is_activated_as_conda_does(xt: Xt, tmp_path: Path) -> None:
    """No conda is to be had here: a script stands in for it that takes the same arguments."""
    program = tmp_path / "bin" / "micromamba"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nprefix=$4; echo "$@"\nmkdir -p "$prefix/bin" "$prefix/etc/conda/activate.d"\n'
        'echo "export FROM_PACKAGE=yes" > "$prefix/etc/conda/activate.d/a.sh"\n'
        'printf "#!/bin/sh\\necho made\\n" > "$prefix/bin/made"; chmod +x "$prefix/bin/made"\n'
    )
    program.chmod(0o755)
    xt.environ["PATH"] = f"{program.parent}{os.pathsep}{xt.environ['PATH']}"
    xt.environ["VIRTUAL_ENV"] = "/somewhere"
    xt.environ.pop("MAMBA_EXE", None)
    configure(xt, tmp_path, two='{conda-packages: ["numpy=2"], conda-channels: [lab, main]}')
    xt.script("show.sh", 'made; echo "$FROM_PACKAGE $CONDA_PREFIX $VIRTUAL_ENV"\n')
    xt.submit("--setup", "two", "show.sh")
    assert xt.wait_job("job1") == "completed"
    (folder,) = environments(xt)
    assert xt.console("run1") == f"made\nyes {folder}/env \n".encode()
    assert (folder / "build.log").read_text().splitlines()[1] == (
        f"create --yes --prefix {folder}/env --override-channels --channel=lab --channel=main "
        "numpy=2"
    )


def test_with_uv_it_is_the_same(xt: Xt, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").symlink_to(Path(sys.prefix) / "bin" / "uv")
    xt.environ["PATH"] = f"{programs}{os.pathsep}{xt.environ['PATH']}"
    configure(xt, tmp_path, one=ONE)
    xt.script("show.py", SHOW)
    xt.submit("--setup", "one", "show.py")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"1.0 True\n"
    (folder,) = environments(xt)
    assert "/uv pip install --python " in (folder / "build.log").read_text()


def test_an_environment_whose_python_was_removed_is_built_anew(xt: Xt, tmp_path: Path) -> None:
    configure(xt, tmp_path, one=ONE)
    for number in (1, 2):
        xt.submit("--setup", "one", "onepack")
        assert xt.wait_job(f"job{number}") == "completed"
        (folder,) = environments(xt)
        python = folder / "env" / "bin" / "python"
        python.unlink()
        python.symlink_to("/no/python")
    assert [data["status"] for data in setup_events(xt, "run2")] == ["building", "ready"]
