"""What end-to-end tests share: an XT of their own, real processes, and waiting for conditions."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from xt_core.home import FIRST_NODE, LOCAL_TEAM, Home
from xt_core.model.records import Run
from xt_core.nodes.controllers import Controllers
from xt_core.services.stores import StoreAccess
from xt_core.services.team import UNNAMED_TEAM
from xt_core.session import Session
from xt_core.stats.store import RunQuery

PATIENCE_SECONDS = 90.0


def wait_until(holds: Callable[[], Any], what: str = "the condition") -> Any:
    """Wait for a condition, however slow the machine; its value. Raises AssertionError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := holds()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        threading.Event().wait(0.02)
    return value


def lose_power(pids: Collection[int]) -> None:
    """Kill processes as if at once: all stand still before the first ends, so that none can tell of
    another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def process_state(pid: int) -> str:
    """As in `/proc/PID/stat`: R, S, T and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


class Xt:
    """One XT_HOME, a folder of code, and the commands of `xt` as real processes."""

    def __init__(self, home: Path, code: Path, config: str = "") -> None:
        """`config` is the user's configuration: which services the team has, if any."""
        team = UNNAMED_TEAM if config else LOCAL_TEAM
        self.home, self.code = Home(home).of_team(team).node(FIRST_NODE), code
        """The home as the first node of the team has it."""
        code.mkdir(parents=True, exist_ok=True)
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("XT_")}
        self.environ |= {"XT_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        self._clients: list[subprocess.Popen[bytes]] = []
        self.session = self._open_session()
        if config:
            self.configure(config)

    def configure(self, text: str, *, instead: bool = False) -> None:
        """Add sections to the user's configuration, or write it anew."""
        self.home.root.mkdir(parents=True, exist_ok=True)
        with self.home.config_file.open("w" if instead else "a") as file:
            file.write(text)
        self.session.close()
        self.session = self._open_session()

    def _open_session(self) -> Session:
        """It goes by the configuration as it is now, whatever a test does to it later."""
        session = Session(home=self.home, cwd=self.code, environ=self.environ)
        assert session.config
        return session

    # Commands ---------------------------------------------------------------------------

    def __call__(
        self, *args: str | bytes, code: int = 0, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run `xt ARGS`, and check its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "xt_core", *args],
            capture_output=True,
            cwd=self.code,
            env=self.environ | dict(env or {}),
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        assert done.returncode == code, f"xt {args}: exit {done.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(args, done.returncode, out, err)

    def json(self, *args: str, code: int = 0) -> Any:
        """The document that a command prints."""
        return json.loads(self(*args, "--json", code=code).stdout)

    def submit(self, *args: str | bytes) -> dict[str, Any]:
        """`xt run --json ARGS`: the document."""
        return dict(json.loads(self("run", "--json", *args).stdout))

    def start(self, *args: str) -> "subprocess.Popen[bytes]":
        """`xt ARGS` in the background, its output in pipes."""
        client = subprocess.Popen(
            [sys.executable, "-m", "xt_core", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=self.code,
            env=self.environ,
        )
        self._clients.append(client)
        return client

    # Scripts and files ------------------------------------------------------------------

    def script(self, name: str, text: str) -> str:
        """Write a script into the folder of code; its name."""
        path = self.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return name

    def artifact(self, key: str) -> bytes:
        self.settle()
        return self.session.artifacts.get_bytes(key)

    def settle(self) -> None:
        """Wait until all artifacts that nodes have put have reached the team's store."""
        outboxes = [self.home.node(node).outbox_dir for node in self.home.node_names()]

        def arrived() -> bool:
            walks = (os.walk(box) for box in outboxes)
            return not any(
                files for walk in walks for folder, _, files in walk if not folder.endswith("/.tmp")
            )  # a killed controller's drafts

        wait_until(arrived, "artifacts to arrive")

    def artifacts(self, prefix: str) -> list[str]:
        self.settle()
        return [info.key for info in self.session.artifacts.list(prefix)]

    def console(self, run: str) -> bytes:
        """The stored console of an ended run."""
        return self.artifact(f"ws1/runs/{run}/logs/output.txt")

    # Runs -------------------------------------------------------------------------------

    def run(self, name: str) -> Run:
        return self.session.store.run("ws1", name)

    def children(self, job: str) -> list[Run]:
        """The children of a job by run_index, which may stand there once each."""
        runs = [run for run in self.session.store.find_runs(RunQuery(jobs=[job]))[0] if run.parent]
        runs.sort(key=lambda run: run.run_index or 0)
        indices = [run.run_index for run in runs]
        assert len(set(indices)) == len(runs), f"run_index twice in {indices}"
        return runs

    def events(self, run: str) -> list[str]:
        return [event.event for event in self.session.store.events("ws1", run)]

    def event_data(self, run: str, event: str) -> dict[str, Any]:
        events = self.session.store.events("ws1", run)
        return next(each.data for each in events if each.event == event)

    def wait_status(self, run: str, *statuses: str) -> Run:
        """Wait until a run is in one of these states."""

        def reached() -> Run | None:
            found = [r for r in self.session.store.changed_runs(0) if r.name == run]
            return found[0] if found and found[0].status in statuses else None

        found = wait_until(reached, f"{run} to be {statuses}")
        assert isinstance(found, Run)
        return found

    def wait_job(self, job: str) -> str:
        """Wait until a job has ended; how."""

        def ended() -> str | None:
            status = self.session.store.job_counts([job])[job].status()
            return str(status) if status.is_final else None

        return str(wait_until(ended, f"{job} to end"))

    def wait_output(self, run: str, text: str, node: str = FIRST_NODE) -> None:
        """Wait until a living run on a node has printed a text."""
        path = self.home.node(node).runs_dir / "ws1" / run / "output.txt"
        wait_until(
            lambda: path.exists() and text.encode() in path.read_bytes(), f"{run} to print {text!r}"
        )

    def wait_listeners(self, number: int) -> None:
        """Wait until consoles of the first node have so many listeners."""

        def listeners() -> int:
            runs = self.session.controller.status()["runs"]
            return sum(int(run["listeners"]) for run in runs)

        wait_until(lambda: listeners() >= number, f"{number} listeners")

    # Processes --------------------------------------------------------------------------

    @property
    def controller_pid(self) -> int:
        return self.pid_of(FIRST_NODE)

    def pid_of(self, node: str) -> int:
        """The process of a node's controller."""
        return int(self.home.node(node).controller_lock.read_text())

    def kill_controller(self, node: str = FIRST_NODE) -> None:
        """`kill -9` once it is there, and wait until it is gone."""
        wait_until(self.session.controllers.of(node).is_running, f"the controller of {node}")
        os.kill(self.pid_of(node), signal.SIGKILL)
        self.wait_for_controller_end(node)

    def wait_for_controller_end(self, node: str = FIRST_NODE) -> None:
        with self.home.node(node).controller_lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)

    def pause_controller(self, node: str = FIRST_NODE) -> int:
        """Stop a controller (SIGSTOP), but not while it writes: it would keep the store locked
        that the nodes of the machine share. Its pid, for SIGCONT."""
        pid = self.pid_of(node)
        wait_until(lambda: self._is_paused_well(pid), "the controller to write nothing")
        return pid

    def _is_paused_well(self, pid: int) -> bool:
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: process_state(pid) == "T", "the controller to stop")
        with open(f"{self.home.stats_file}.lock", "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # perhaps another node's
                os.kill(pid, signal.SIGCONT)
                return False
        return True

    def processes(self) -> list[int]:
        """Living processes that belong to this XT_HOME."""
        mark = b"XT_HOME=" + os.fsencode(self.home.root) + b"\0"
        return self._marked(mark) + self._marked(
            b"XT_JOURNAL=" + os.fsencode(self.home.root) + b"/"
        )

    def processes_of_run(self, run: str, node: str = FIRST_NODE) -> list[int]:
        """Living processes of one run on a node."""
        folder = self.home.node(node).runs_dir / "ws1" / run  # other tests have runs so named too
        return self._marked(b"XT_JOURNAL=" + os.fsencode(folder) + b"/")

    def _marked(self, mark: bytes) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    environ = (entry / "environ").read_bytes()
                    state = process_state(int(entry.name))
                except OSError:
                    continue
                if state != "Z" and mark in environ:
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End all of it; nothing may be left."""
        for client in self._clients:
            if client.poll() is None:
                client.kill()
            client.communicate()
        with self._killing_what_hangs():
            try:
                self.stop_controllers()
            finally:
                self.session.close()
                self._assert_nothing_is_left()

    @contextlib.contextmanager
    def _killing_what_hangs(self) -> Iterator[None]:
        """After a failure pytest-timeout watches no more: what hangs then would hang for ever."""
        watch = threading.Timer(PATIENCE_SECONDS, self._kill_all)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _kill_all(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_controllers(self, team: str | None = None) -> None:
        """Cancel what the controllers of a team (this one's) do here, and end them."""
        home = self.home if team is None else self.home.of_team(team)
        controllers = Controllers(home, self.environ, self._access)
        running = controllers.running()
        controllers.cancel(nodes=running, grace=0)
        for node in running:
            controllers.of(node).shut_down()

    def _access(self) -> StoreAccess:
        if self.home.team == LOCAL_TEAM:  # whatever a test has done to the configuration
            return StoreAccess()
        return self.session.access

    def _assert_nothing_is_left(self) -> None:
        try:
            wait_until(lambda: not self.processes(), "all processes to end")
        except AssertionError:
            self._kill_all()
            raise


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A disk of that size at `folder`; the test must be marked `mounts`."""
    folder.mkdir()
    size = f"size={mebibytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def is_alive(pid: int) -> bool:
    """Whether a process lives (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
