"""Several servers on one PostgreSQL: every acknowledged report counts, and counts once."""

from __future__ import annotations

import itertools
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import create_engine, text
from websockets.exceptions import WebSocketException

from syft_web.errors import ServiceError, StoreError
from syft_web.grid import Server, texts
from syft_web.grid.completion import Completion
from syft_web.grid.overview import Overview
from syft_web.grid.records import CycleState
from syft_web.grid.schema import metadata
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from syft_web.plan import State
from tests.grid.debian import find
from tests.grid.postgres import FOLDER, postgres
from tests.grid.processes import grid_process, kill
from tests.grid.talk import Talk, host_data, mean, retrieve, small_diff, small_model
from tests.grid.waiting import checkpoint
from tests.unit.grid.workers import Workers

# Installing the packages, where that is possible at all, takes its time.
pytestmark = pytest.mark.timeout(480)

_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def database(server: str) -> str:
    """The URL of an empty database."""
    return new_database(server)


def new_database(server: str) -> str:
    name = f"grid{next(_NUMBERS)}"
    engine = create_engine(server.format("postgres").replace(":", "+psycopg:", 1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name)


@pytest.fixture
def stores(database: str) -> Iterator[list[Store]]:
    """Two servers' connections to one database."""
    opened = [Store(database), Store(database)]
    yield opened
    for store in opened:
        store.close()


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """What `count` calls at the same moment give; a refusal gives its text."""
    barrier = threading.Barrier(count)

    def run(index: int) -> Any:
        barrier.wait()
        try:
            return call(index)
        except ServiceError as error:
            return error.text

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def assert_mean(new: list[np.ndarray], diffs: list[list[np.ndarray]]) -> None:
    before = State.loads(small_model()).tensors
    for ours, old, average in zip(new, before, mean(diffs), strict=True):
        assert ours.tobytes() == (old - average).tobytes()


def test_migrations_make_what_the_schema_says(database: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    # Several servers may start on a new database at the same moment.
    assert at_once(4, lambda _: Store(database).close()) == [None] * 4
    engine = create_engine(database.replace(":", "+psycopg:", 1))
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer version"):
        Store(database)


def test_a_reader_sees_one_picture(stores: list[Store]) -> None:
    one, other = stores
    Service(one).host(host_data())
    with one.read() as reading:
        assert not reading.has_worker("w")
        with other.write() as writing:
            writing.add_worker("w", 1, 0.0)
        assert not reading.has_worker("w")
    with one.read() as reading:
        assert reading.has_worker("w")


def test_the_overview_reads_what_it_does_on_sqlite(stores: list[Store]) -> None:
    workers = Workers(Service(stores[0]))
    workers.service.host(host_data(max_diffs=1, num_cycles=2))
    workers.report(workers.join(), small_diff(0))
    Completion(stores[0]).run()
    workers.join()
    overview = Overview(stores[1])
    (model,) = overview.overview()["models"]
    assert (model["state"], model["workers"], model["checkpoint"]) == ("training", 2, 2)
    assert [cycle["reports"] for cycle in model["recent"]] == [0, 1]
    assert len(overview.details({"name": "m"})["checkpoint_list"]) == 2
    assert overview.counts()["cycles"] == {"open": 1, "aggregating": 0, "done": 1, "failed": 0}


def test_one_name_is_hosted_once(stores: list[Store]) -> None:
    services = [Service(store) for store in stores]
    replies = at_once(4, lambda i: services[i % 2].host(host_data()))
    assert Counter(replies) == {None: 1, "FL Process already exists.": 3}


def test_one_worker_gets_one_place_and_reports_once(stores: list[Store]) -> None:
    both = [Workers(Service(store)) for store in stores]
    both[0].service.host(host_data(max_diffs=2))
    worker = both[0].join()["worker_id"]
    other = both[1].service.authenticate({"model_name": "m"})
    data = {"worker_id": other.worker_id, "model": "m"}
    replies = at_once(6, lambda i: both[i % 2].service.request_cycle(data).to_json())
    accepted = [reply for reply in replies if reply["status"] == "accepted"]
    assert len(accepted) == 1
    assert [r["status"] for r in replies].count("rejected") == 5
    place = {"worker_id": other.worker_id, "request_key": accepted[0]["request_key"]}
    at_once(6, lambda i: both[i % 2].report(place, small_diff(i)))
    with stores[0].read() as tx:
        assert tx.count_reports(1) == 1
        assert tx.assignment_in(1, worker) is not None
        assert [c.id for c in tx.cycles_in(CycleState.OPEN)] == [1]


def test_reports_at_the_end_of_a_cycle_close_it_once(stores: list[Store]) -> None:
    both = [Workers(Service(store)) for store in stores]
    both[0].service.host(host_data(max_diffs=6, num_cycles=2))
    places = [both[i % 2].join() for i in range(8)]
    diffs = [small_diff(i) for i in range(8)]
    at_once(8, lambda i: both[i % 2].report(places[i], diffs[i]))
    with stores[0].read() as tx:
        counted = [
            i
            for i, place in enumerate(places)
            if (found := tx.assignment_in(1, place["worker_id"])) and found.reported
        ]
    assert len(counted) == 6
    at_once(2, lambda i: Completion(stores[i]).run())
    Completion(stores[0]).run()
    with stores[1].read() as tx:
        assert tx.count_done(1) == 1
        found = tx.get_checkpoint(1)
    assert found is not None
    assert found[0] == 2
    assert_mean(State.loads(found[1]).tensors, [diffs[i] for i in counted])


def test_a_copy_by_the_tools_of_postgres(server: str, database: str, tmp_path: Path) -> None:
    """The commands of the README."""
    file, other = tmp_path / "grid.dump", new_database(server)
    diffs = [small_diff(i) for i in range(2)]
    store = Store(database)
    workers = Workers(Service(store))
    workers.service.host(host_data(max_diffs=2))
    places = [workers.join() for _ in range(2)]
    workers.report(places[0], diffs[0])
    for command in (
        ["pg_dump", "--format=custom", f"--file={file}", database],
        ["pg_restore", "--no-owner", f"--dbname={other}", str(file)],
    ):
        program = find(command[0], FOLDER)
        assert program
        subprocess.run([program, *command[1:]], check=True, capture_output=True)
    store.close()
    store = Store(other)
    Workers(Service(store)).report(places[1], diffs[1])
    Completion(store).run()
    with store.read() as tx:
        found = tx.get_checkpoint(1)
    store.close()
    assert found is not None
    assert_mean(State.loads(found[1]).tensors, diffs)


def test_those_who_watch_a_grid_on_postgres(database: str) -> None:
    with Server(database=database) as grid, Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=1))
        for number in range(2):
            talk.report(talk.join(), State.of(small_diff(number)).dumps())
            checkpoint(grid.url, number + 2)
        for path in ("health", "metrics", "status/models", "status/cycles?name=m"):
            answer = httpx.get(f"{grid.url}/{path}")
            assert answer.status_code == 200, (path, answer.text)


def test_texts_that_postgres_cannot_hold(database: str) -> None:
    with Server(database=database) as grid, Talk(grid) as talk:
        talk.call("host-training", host_data())
        place = talk.join()
        model = f"{grid.url}/model-centric/get-model"
        query = {"model_id": "1", **place, "worker_id": "a\0b"}
        assert httpx.get(model, params=query).json() == {"error": texts.WORKER_NOT_FOUND}
        query = {"model_id": "1", **place, "request_key": "a\0b"}
        assert httpx.get(model, params=query).status_code == 401
        assert retrieve(grid.url, "m\0").status_code == 500  # as for other unknown names
        assert retrieve(grid.url, checkpoint="a\0b").status_code == 404
        for name in ("a\0b", "\ud800"):
            reply = talk.call("authenticate", {"model_name": name})
            assert reply == {"status": "error", "error": texts.PROCESS_NOT_FOUND}


WORKERS = 24


def test_two_servers_one_of_which_is_killed(database: str) -> None:
    diffs = [State.of(small_diff(i)).dumps() for i in range(WORKERS)]
    acknowledged: list[int] = []
    enough = threading.Event()
    with grid_process(database) as (first, process), grid_process(database) as (second, _):

        def attempt(url: str, place: dict[str, str] | None, index: int) -> dict[str, str]:
            with Talk(url, http=index % 4 > 1) as talk:
                place = place or talk.join()
                assert talk.report(place, diffs[index]) == {"status": "success"}
            return place

        def work(index: int) -> str:
            """Take part by one of the servers, and by the other one when it does not answer."""
            place = None
            try:
                with Talk((first, second)[index % 2]) as talk:
                    place = talk.join()
                attempt((first, second)[index % 2], place, index)
            except (httpx.HTTPError, WebSocketException, OSError, EOFError):
                place = attempt(second, place, index)
            acknowledged.append(index)
            if len(acknowledged) >= WORKERS // 3:
                enough.set()
            return place["worker_id"]

        with Talk(first) as talk:
            data = host_data(max_diffs=WORKERS, num_cycles=1)
            assert talk.call("host-training", data) == {"status": "success"}
        with ThreadPoolExecutor(WORKERS // 2) as pool:
            waiting = [pool.submit(work, index) for index in range(WORKERS)]
            assert enough.wait(60)
            kill(process)
            workers = [one.result(timeout=100) for one in waiting]
        new = checkpoint(second, 2)
        assert retrieve(second, checkpoint=3).status_code == 404
    assert sorted(acknowledged) == list(range(WORKERS))
    assert_mean(new, [small_diff(i) for i in in_order(database, workers)])


def in_order(database: str, workers: list[str]) -> list[int]:
    """Indices of the workers in the order in which diffs are summed, that of assignment."""
    engine = create_engine(database.replace(":", "+psycopg:", 1))
    with engine.connect() as connection:
        query = "SELECT worker_id FROM assignment WHERE reported_at IS NOT NULL ORDER BY id"
        found = connection.execute(text(query)).scalars().all()
        left = connection.execute(text("SELECT count(*) FROM assignment WHERE diff IS NOT NULL"))
        assert left.scalar_one() == 0
    engine.dispose()
    return [workers.index(worker) for worker in found]
