"""MongoDB in trouble: one clear error each, and what was acknowledged is there once."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import BulkWriteError, OperationFailure
from servers.flaky_proxy import FlakyProxy
from servers.mongod import Mongod, StandaloneMongod
from servers.process import free_port

from xt_core.errors import ConfigError, RefusedError, UnavailableError
from xt_core.model.records import Job, MetricRecord, Run
from xt_core.model.states import RunStatus
from xt_core.stats.mongo.server import Client, Server
from xt_core.stats.mongo.store import MongoStatsStore
from xt_core.stats.store import JournalBatch, NodeRecord, RunChange, new_items


def opened(url: str, deadline: float = 30.0) -> MongoStatsStore:
    return MongoStatsStore(url, "xt", setting="labmongo", deadline_seconds=deadline)


def add_search(store: MongoStatsStore, items: int) -> Run:
    job = Job("job1", "ws1", "e", "dynamic", "local", "me", 1.0, items, 2, schedule="dynamic")
    parent = Run("ws1", "run1", "job1", "e", "node0", RunStatus.QUEUED, 1.0, is_parent=True)
    store.add_job(job, [parent], new_items(job, 0, items))
    return parent


@pytest.fixture
def own_mongod(tmp_path: Path) -> Iterator[Mongod]:
    server = Mongod(tmp_path / "mongod")
    yield server
    server.stop()


def test_a_port_where_nobody_listens_is_told() -> None:
    port = free_port()
    store = opened(f"mongodb://ann:secret@127.0.0.1:{port}/", 0.5)
    with pytest.raises(UnavailableError, match=r"cannot be reached: .*refused") as caught:
        store.jobs()
    assert caught.value.message.startswith(f"MongoDB at 127.0.0.1:{port} (setting labmongo)")
    assert "labmongo" in caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint
    assert "\n" not in str(caught.value)
    store.close()


def test_who_only_looks_is_told_at_once_where_nobody_listens() -> None:
    store = MongoStatsStore(
        f"mongodb://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/", "xt",
        setting="labmongo", contact_seconds=1e6, deadline_seconds=1e6,
    )  # fmt: skip
    with pytest.raises(UnavailableError, match=r"cannot be reached: 127.*refused$"):
        store.jobs()
    store.close()


def test_the_first_contact_may_have_a_limit_of_its_own(own_mongod: Mongod) -> None:
    """It counts for a server that is away; one that was there once is waited for as ever."""

    def limited(url: str) -> MongoStatsStore:
        return MongoStatsStore(
            url, "xt", setting="labmongo", deadline_seconds=1.0, contact_seconds=0.5
        )

    nobody, known = limited(f"mongodb://127.0.0.1:{free_port()}/"), limited(own_mongod.url)
    with pytest.raises(UnavailableError, match=r"cannot be reached: .*refused"):
        nobody.jobs()
    assert known.jobs() == []
    own_mongod.pause()
    newcomer = limited(f"{own_mongod.url}&appname=new")
    with pytest.raises(UnavailableError, match=r"did not answer within 0.5 s$"):
        newcomer.jobs()
    with pytest.raises(UnavailableError, match=r"did not answer within 1 s$"):
        known.jobs()
    own_mongod.resume()
    for store in (nobody, known, newcomer):
        store.close()


@pytest.mark.parametrize(
    "url",
    ["", "http://x", "mongodb://", "mongodb://a:b:c@h/", "mongodb://h:x/", "mongodb://h/?w=x y"],
)
def test_what_is_no_url_is_a_mistake_of_the_setting(url: str) -> None:
    store = opened(url, 0.5)
    with pytest.raises((ConfigError, UnavailableError), match="labmongo") as caught:
        store.jobs()
    assert "b:c" not in str(caught.value)
    store.close()


def test_a_server_that_hangs_is_told_and_used_again_when_it_answers(own_mongod: Mongod) -> None:
    store, patient = opened(own_mongod.url, 1.0), opened(own_mongod.url)
    add_search(store, 1)
    own_mongod.pause()
    with pytest.raises(UnavailableError, match=r"\(setting labmongo\) did not answer within 1 s$"):
        store.update_job("job1", notes="lost")
    newcomer = opened(f"{own_mongod.url}&appname=new", 1.0)
    with pytest.raises(UnavailableError, match=r"\(setting labmongo\) did not answer within 1 s$"):
        newcomer.jobs()
    newcomer.close()
    waiting = threading.Thread(target=lambda: patient.update_job("job1", notes="late"))
    waiting.start()
    own_mongod.resume()
    waiting.join()
    assert patient.job("job1").notes == "late"
    store.close()
    patient.close()


def test_a_server_that_is_killed_mid_write_loses_and_doubles_nothing(own_mongod: Mongod) -> None:
    store = opened(own_mongod.url, 60.0)
    parent = add_search(store, 10_000)
    stop, done = threading.Event(), list[str]()

    def work() -> None:
        end = 0
        while not stop.is_set():
            claimed = store.claim_child(parent, "node0")
            assert claimed is not None
            name = claimed[1].name
            store.change_run(RunChange("ws1", "run1", event="claimed", data={"name": name}))
            metrics = [MetricRecord(n, 1.0, None, {"a": n}) for n in range(end, end + 10)]
            store.add_journal(JournalBatch("ws1", "run1", end, end + 10, metrics))
            end += 10
            done.append(name)

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(3):
        before = len(done)
        while len(done) < before + 20:
            assert worker.is_alive()
            time.sleep(0.01)
        own_mongod.kill()
        own_mongod.start()
    stop.set()
    worker.join()
    told = store.events("ws1", "run1")
    assert [event.data["name"] for event in told if event.event == "claimed"] == done
    created = [event.data["child"] for event in told if event.event == "child_created"]
    assert created == done
    items = store.work_items("job1")[: len(done)]
    assert [item.run for item in items] == done
    assert store.open_items("job1") == 10_000
    assert [m.offset for m in store.metrics("ws1", "run1")] == list(range(10 * len(done)))
    store.close()


@pytest.mark.parametrize("retry_writes", ["false", "true"])
def test_a_write_whose_answer_is_lost_is_made_once(mongod: Mongod, retry_writes: str) -> None:
    proxy = FlakyProxy(mongod.port)
    options = f"directConnection=true&retryWrites={retry_writes}"
    url = f"mongodb://127.0.0.1:{proxy.port}/?{options}"
    store = MongoStatsStore(url, f"lost-{retry_writes}", setting="labmongo")
    parent = add_search(store, 3)
    words = [b"findAndModify", b"update", b"insert"]
    for word in words:
        proxy.cut_next(word)
        assert store.claim_child(parent, "node0") is not None
        proxy.cut_next(word)
        store.change_run(RunChange("ws1", "run1", event=word.decode()))
        proxy.cut_next(word)
        store.extend_job("job1", 2)
        proxy.cut_next(word)
        end = store.journal_end("ws1", "run1")
        metrics = [MetricRecord(n, 1.0, None, {"a": n}) for n in range(end, end + 600)]
        store.add_journal(
            JournalBatch("ws1", "run1", end, end + 600, metrics, events=[(1.0, "j", {})])
        )
    assert proxy.cuts >= 10
    assert store.job("job1").work_items == 9
    assert [item.status for item in store.work_items("job1")] == ["started"] * 3 + ["unstarted"] * 6
    names = [event.event for event in store.events("ws1", "run1")]
    assert [names.count(name) for name in ("extended", "j", "child_created")] == [3, 3, 3]
    assert [names.count(word.decode()) for word in words] == [1, 1, 1]
    assert [m.offset for m in store.metrics("ws1", "run1")] == list(range(1800))
    children = [run for run in store.open_runs("job1", "node0") if run.parent]
    assert sorted(run.run_index or 0 for run in children) == [0, 1, 2]
    store.close()
    proxy.close()


def test_a_node_rejoins_though_the_answer_is_lost(mongod: Mongod) -> None:
    proxy = FlakyProxy(mongod.port)
    url = f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true&retryWrites=false"
    store = MongoStatsStore(url, "rejoin", setting="labmongo")
    add_search(store, 3)
    store.put_node(NodeRecord("node0", "local", {}, 1.0))
    assert store.give_up_lost("job1", 30.0) == ["run1"]
    proxy.cut_next(b"findAndModify")
    assert store.rejoin("node0") == ["job1"]
    assert proxy.cuts >= 1
    assert store.rejoin("node0") == []
    assert [e.event for e in store.events("ws1", "run1")].count("rejoined") == 1
    store.close()
    proxy.close()


def test_a_request_rate_is_kept_as_the_server_asks(mongod: Mongod) -> None:
    server = Server(mongod.url, "rates", "labmongo", 5.0)
    answers: list[Exception] = [
        OperationFailure("Error=16500, RetryAfterMs=30, Details='busy'", 16500),
        OperationFailure("Request rate is large", 429),
        BulkWriteError({"writeErrors": [{"code": 16500, "errmsg": "RetryAfterMs=10"}],
                        "writeConcernErrors": [], "nInserted": 0}),
    ]  # fmt: skip
    left = list(answers)

    def operation(_: object) -> str:
        if left:
            raise left.pop(0)
        return "done"

    began = time.monotonic()
    assert server.call(operation) == "done"
    assert time.monotonic() - began >= 0.030
    server.close()
    hurried = Server(mongod.url, "rates", "labmongo", 1.0)

    def refuse(_: object) -> None:
        raise OperationFailure("Error=16500, RetryAfterMs=400", 16500)

    with pytest.raises(UnavailableError, match="over its request rate"):
        hurried.call(refuse)
    hurried.close()


def test_a_record_beyond_what_a_document_holds_is_refused(mongod: Mongod) -> None:
    store = MongoStatsStore(mongod.url, "large", setting="labmongo")
    add_search(store, 1)
    with pytest.raises(RefusedError, match="too large"):
        store.change_run(RunChange("ws1", "run1", fields={"notes": "x" * (17 << 20)}))
    store.change_run(RunChange("ws1", "run1", event="e", data={"text": "x" * (17 << 20)}))
    assert store.events("ws1", "run1")[-1].data == {"too_large": (17 << 20) + 11}
    store.close()


def test_stores_of_a_process_share_one_client(mongod: Mongod) -> None:
    first, second = opened(mongod.url), opened(mongod.url)
    first.jobs()
    second.jobs()
    clients = {id(store._server._collections().jobs.database.client) for store in (first, second)}
    assert len(clients) == 1
    first.close()
    assert second.jobs() == second.jobs()
    second.close()


def certificate(folder: Path) -> Path:
    """A key and its own certificate for 127.0.0.1, in one file."""
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
         "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """The port of a server with TLS and sign-in, and the URL options of its certificate."""
    folder = tmp_path_factory.mktemp("guarded")
    pem = certificate(folder)
    tls = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(pem))
    server = StandaloneMongod(folder / "mongod", "--auth", *tls)
    options = f"tls=true&tlsCAFile={pem}"
    users: list[tuple[str, str, list[Any]]] = [
        ("", "ann", ["root"]),
        ("ann:p%3Aw@", "eve", [{"role": "read", "db": "other"}]),
    ]
    for creator, name, roles in users:
        client: Client = MongoClient(f"mongodb://{creator}127.0.0.1:{server.port}/?{options}")
        client.admin.command("createUser", name, pwd="p:w", roles=roles)
        client.close()
    yield server.port, options
    server.stop()


def test_sign_in_and_tls(guarded: tuple[int, str]) -> None:
    port, options = guarded
    store = opened(f"mongodb://ann:p%3Aw@127.0.0.1:{port}/?{options}")
    assert store.next_job_name() == "job1"
    store.close()


@pytest.mark.parametrize(
    ("user", "more", "kind", "message"),
    [
        ("ann:wrong@", "", RefusedError, "refused the sign-in"),
        ("eve:p%3Aw@", "", RefusedError, "does not permit this"),
        ("", "", RefusedError, "does not permit this"),
        (
            "ann:p%3Aw@",
            "&replicaSet=rs7",
            UnavailableError,
            "not the replica set that is asked for",
        ),
    ],
)
def test_what_a_guarded_server_refuses_is_told(
    guarded: tuple[int, str], user: str, more: str, kind: type[Exception], message: str
) -> None:
    port, options = guarded
    store = opened(f"mongodb://{user}127.0.0.1:{port}/?{options}{more}", 2.0)
    with pytest.raises(kind, match=message) as caught:
        store.next_job_name()
    assert "labmongo" in str(caught.value)
    assert "p%3Aw" not in str(caught.value)
    store.close()


@pytest.mark.parametrize("options", ["tls=true", "tls=true&tlsCAFile=/dev/null"])
def test_a_certificate_that_nobody_vouches_for_is_told(
    guarded: tuple[int, str], options: str
) -> None:
    store = opened(f"mongodb://ann:p%3Aw@127.0.0.1:{guarded[0]}/?{options}", 1.0)
    with pytest.raises((UnavailableError, ConfigError), match="labmongo"):
        store.jobs()
    store.close()
