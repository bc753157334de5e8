"""Code and data to a box, and what it makes back home, beside rsync over the same SSH.

    python benchmarks/box_transfer.py [--megabytes 200] [--files 5000]

The box is a real sshd on this machine, which shares its processors. Half of the files are code,
half are data; no byte of them can be compressed. XT sends them from the team's artifact store, to
which a submission has brought them before: that takes its own time, which is printed. Then nothing
has changed, then one file has. Last, the box has made as many files, which are fetched. Aims: the
first time within 1.5x of rsync, the second under 1 s. Without rsync its place is taken by
`tar | ssh tar`, which knows no second time.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parent.parent / "tests"))

from servers.sshd import Network, Sshd
from ssh_support import box_at, boxes_of

from controller.spool import Spool
from xt_core.artifacts.directory import DirectoryStore
from xt_core.home import Home
from xt_core.nodes.client import ControllerClient
from xt_core.nodes.homebound import bring_artifacts_home
from xt_core.nodes.inputs import send_inputs
from xt_core.services.stores import HomeAccess, StoreAccess
from xt_core.shares.upload import upload_folder
from xt_core.shares.use import DOWNLOAD, ShareUse
from xt_core.submit.mrc import MultiRunConfig, NodeContext
from xt_core.submit.snapshot.sources import SnapshotSpec
from xt_core.submit.snapshot.taking import take_snapshot

_NODE = "gpu1"
_ROUNDS = 3


class Laptop:
    """The user's side: folders of code and data, and the team's artifacts."""

    def __init__(self, folder: Path, megabytes: int, files: int) -> None:
        self.folder = folder
        self.code, self.data = folder / "code", folder / "data"
        self.artifacts = DirectoryStore(folder / "artifacts")
        self._jobs = 0
        chance, size = random.Random(0), megabytes * 1_000_000 // files
        for part in (self.code, self.data):
            for number in range(files // 2):
                file = part / f"part{number % 50}" / f"file{number}.bin"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(chance.randbytes(size))

    def change_one_file(self) -> None:
        (self.code / "part7" / "file7.bin").write_bytes(random.randbytes(1000))

    def submission(self) -> MultiRunConfig:
        """The next job, its code and data in the artifact store."""
        self._jobs += 1
        key = f"ws1/jobs/job{self._jobs}/before/code.zip"
        snapshot = take_snapshot(SnapshotSpec(self.code), self.folder / "code.zip")
        self.artifacts.put_shared(key, snapshot.path, snapshot.digest)
        hashes = self.folder / "hashes.json"
        version = upload_folder(
            self.artifacts, "_data/set", self.data, [], hashes, lambda _: None
        ).version
        use = ShareUse(DOWNLOAD, share="set", root="_data/set", manifest=version.manifest)
        context = NodeContext("run1", key, snapshot.digest, shares={"data": use})
        name, commands = f"job{self._jobs}", [["true"]]
        given = (name, "ws1", "exper1", "single", "alice", "lab", 1, commands)
        return MultiRunConfig(*given, search={}, nodes={_NODE: context})


class Rsync:
    """The same folders by rsync, or by tar where there is none."""

    def __init__(self, network: Network, box: Sshd) -> None:
        self._ssh = f"ssh -F {network.config_file} -p {box.port}"
        self._host, self._home = box.host, box.home
        self.name = "rsync -a" if shutil.which("rsync") else "tar | ssh tar"
        self.is_there = self.name == "rsync -a"

    def send(self, *folders: Path) -> None:
        target = self._home / "copy"
        if self.is_there:
            self._rsync(*map(str, folders), f"{self._host}:{target}/")
        else:
            names = " ".join(folder.name for folder in folders)
            self._shell(
                f"tar -C {folders[0].parent} -c {names} | "
                f"{self._ssh} {self._host} 'mkdir -p {target} && tar -C {target} -x'"
            )

    def fetch(self, folder: Path, target: Path) -> None:
        if self.is_there:
            self._rsync(f"{self._host}:{folder}/", f"{target}/")
        else:
            target.mkdir()
            self._shell(f"{self._ssh} {self._host} tar -C {folder} -c . | tar -C {target} -x")

    def _rsync(self, *arguments: str) -> None:
        subprocess.run(["rsync", "-a", "-e", self._ssh, *arguments], check=True)

    def _shell(self, command: str) -> None:
        subprocess.run(command, shell=True, check=True)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def line(what: str, own: float, other: float | None, name: str) -> None:
    beside = "" if other is None else f"   {name} {other:6.2f} s   ratio {own / other:5.2f}"
    print(f"{what:34} XT {own:6.2f} s{beside}", flush=True)


def once(folder: Path, megabytes: int, files: int) -> None:
    """One round, with a new laptop and a new box."""
    network = Network(folder / "net")
    server = network.box(_NODE)
    boxes = boxes_of(network)
    reach = box_at(boxes, server.place).open_socket
    home = Home(server.home / ".xt").node(_NODE)
    home.create()
    spool = Spool(home.outbox_dir)
    made = server.home / "made"
    made.mkdir()
    for number in range(files):
        data = random.randbytes(megabytes * 1_000_000 // files)
        spool.put_bytes(f"ws1/runs/run1/after/file{number}", data)
        (made / f"file{number}").write_bytes(data)
    access = StoreAccess(artifacts=HomeAccess("laptop:/home/alice/.xt"))
    here = ControllerClient(home, dict(os.environ), lambda: access)
    here.ensure_running()
    client = ControllerClient(home, {}, lambda: access, reach=reach)
    client.status()  # connected, as the submission has done before
    try:
        compare(client, Laptop(folder / "laptop", megabytes, files), Rsync(network, server), made)
    finally:
        here.shut_down()
        boxes.close()
        network.close()


def compare(client: ControllerClient, laptop: Laptop, rsync: Rsync, made: Path) -> None:
    def send() -> float:
        print(f"  {seconds(lambda: jobs.append(laptop.submission())):.2f} s to store it first")
        return seconds(
            lambda: send_inputs(client, laptop.artifacts, jobs[-1], _NODE, lambda done, total: None)
        )

    def beside() -> float | None:
        return seconds(lambda: rsync.send(laptop.code, laptop.data))

    jobs: list[MultiRunConfig] = []
    line("to the box, the first time", send(), beside(), rsync.name)
    line("nothing has changed", send(), beside() if rsync.is_there else None, rsync.name)
    laptop.change_one_file()
    line("one file has changed", send(), beside() if rsync.is_there else None, rsync.name)
    arriving, copy = laptop.folder / "arriving", laptop.folder / "copy"
    fetched = seconds(
        lambda: bring_artifacts_home(client, laptop.artifacts, arriving, lambda done, total: None)
    )
    line("from the box", fetched, seconds(lambda: rsync.fetch(made, copy)), rsync.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--files", type=int, default=5000)
    options = parser.parse_args()
    if not shutil.which("rsync"):
        print("rsync is not installed: compared with tar | ssh tar")
    for number in range(_ROUNDS):
        print(f"round {number + 1}")
        with tempfile.TemporaryDirectory(prefix="xt-") as folder:
            once(Path(folder), options.megabytes, options.files)


if __name__ == "__main__":
    main()
