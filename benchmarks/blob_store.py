"""Blob storage: a large file and many small ones, up and down, beside the bare SDK.

    python benchmarks/blob_store.py [--megabytes 256] [--files 1000] [--connection-string TEXT]

The service is an emulator on this machine (Azurite: `make setup-servers`) unless a connection
string is given. It shares the processors and is slow, so the default sizes are small: 1 GB and
10,000 files of 1 KB are `--megabytes 1024 --files 10000`. The bare SDK is tried with several
numbers of threads, of which the best counts, and with one call after the other. It checks no MD5
of a whole file; XT does, up and down.
"""

import argparse
import filecmp
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parent.parent / "tests"))

from azure.storage.blob import ContainerClient
from servers.azurite import Azurite

from xt_core.artifacts.blob import BlobStore
from xt_core.artifacts.blob_container import BlobAccount

_THREADS = (4, 8, 16, 32)
_ROUNDS = 3
Transfer = Callable[[int], None]


@contextmanager
def service(connection_string: str, folder: Path) -> Iterator[str]:
    """A connection string: the one that was given, or an emulator's."""
    if connection_string:
        yield connection_string
        return
    server = Azurite(folder / "azurite")
    try:
        yield server.connection_string
    finally:
        server.stop()


def seconds(transfer: Callable[[], object]) -> float:
    began = time.perf_counter()
    transfer()
    return time.perf_counter() - began


def compare(what: str, unit: float, name: str, own: Callable[[], None], bare: Transfer) -> None:
    """Print rates: XT's, the bare SDK's with its best number of threads, and with one.

    XT and the SDK take turns, so that a busy moment hits both; the medians count.
    """
    trial = {threads: seconds(partial(bare, threads)) for threads in _THREADS}
    best = min(_THREADS, key=lambda threads: trial[threads])
    turns = [(seconds(own), seconds(partial(bare, best))) for _ in range(_ROUNDS)]
    own_time = statistics.median(turn[0] for turn in turns)
    best_time = statistics.median(turn[1] for turn in turns)
    one_time = seconds(partial(bare, 1))
    print(
        f"{what}: {unit / own_time:.0f} {name}; bare SDK {unit / best_time:.0f} with {best} "
        f"threads, {unit / one_time:.0f} with one; {own_time / best_time:.2f} times the best's "
        f"time, {one_time / own_time:.1f} times as fast as one call after the other"
    )


def large(store: BlobStore, bare: ContainerClient, folder: Path, megabytes: int) -> None:
    source = folder / "large"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    names = (f"{uuid.uuid4().hex}" for _ in iter(int, 1))  # else the blocks would be there

    def put() -> None:
        store.put_file(f"large-{next(names)}", source)

    def put_bare(threads: int) -> None:
        with source.open("rb") as file:
            bare.upload_blob(f"bare-{next(names)}", file, max_concurrency=threads)

    compare(f"one file of {megabytes} MB up", megabytes, "MB/s", put, put_bare)
    store.put_file("large", source)

    def get() -> None:
        store.get_file("large", folder / "got")

    def get_bare(threads: int) -> None:
        with (folder / "got-bare").open("wb") as file:
            bare.download_blob("large", max_concurrency=threads).readinto(file)

    compare(f"one file of {megabytes} MB down", megabytes, "MB/s", get, get_bare)
    assert filecmp.cmp(source, folder / "got", shallow=False)


def small(store: BlobStore, bare: ContainerClient, folder: Path, count: int) -> None:
    sources, targets = folder / "small", folder / "small-got"
    sources.mkdir()
    targets.mkdir()
    for number in range(count):
        (sources / str(number)).write_bytes(os.urandom(1024))

    def put() -> None:
        files = ((f"small/{number}", sources / str(number)) for number in range(count))
        assert store.put_files(files) == {}

    def put_bare(threads: int) -> None:
        def one(number: int) -> None:
            data = (sources / str(number)).read_bytes()
            bare.upload_blob(f"bare/{number}", data, overwrite=True)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, range(count)))

    compare(f"{count} files of 1 KB up", count, "files/s", put, put_bare)

    def get() -> None:
        files = ((f"small/{number}", targets / str(number)) for number in range(count))
        assert store.get_files(files) == {}

    def get_bare(threads: int) -> None:
        def one(number: int) -> None:
            data = bare.download_blob(f"small/{number}").readall()
            (targets / f"bare-{number}").write_bytes(data)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, range(count)))

    compare(f"{count} files of 1 KB down", count, "files/s", get, get_bare)
    took = seconds(lambda: list(store.list("small")))
    print(f"list of {count} artifacts: {took:.2f} s")
    took = seconds(lambda: store.delete_prefix("small"))
    print(f"deletion of {count} artifacts: {took:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--connection-string", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with service(options.connection_string, folder) as text:
            container = f"benchmark-{uuid.uuid4().hex}"
            store = BlobStore(BlobAccount("benchmark", "--connection-string", text), container)
            with ContainerClient.from_connection_string(text, container) as bare:
                bare.create_container()
                try:
                    large(store, bare, folder, options.megabytes)
                    small(store, bare, folder, options.files)
                finally:
                    bare.delete_container()
                    store.close()


if __name__ == "__main__":
    main()
