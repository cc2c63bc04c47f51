"""Dashboard, health, metrics and log of a running grid."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from syft_web.grid import Server
from syft_web.grid.processes import Processes
from syft_web.grid.watch import Watching
from syft_web.plan import State
from tests.grid.talk import Talk, host_data, small_diff
from tests.paths import ROOT

TOKEN = "an-admin-token-of-this-test"
AS_OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
FOR_OPERATORS = ("/metrics", "/status/cycles?name=m")


def take_part(grid: Server) -> dict[str, str]:
    """Host a model, and report to its first cycle; returns what nobody else may know."""
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=1, num_cycles=3))
        place = talk.join()
        diff = base64.b64encode(State.of(small_diff(0)).dumps()).decode()
        talk.call("report", {**place, "diff": diff})
        talk.call("report", {**place, "diff": "not one"})
    assert grid.settle()
    return place


def samples(text: str) -> dict[str, float]:
    """Series -> value, of what Prometheus would read."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {series.removeprefix("syft_web_grid_"): float(value) for series, _, value in lines}


def metrics(grid: Server | Processes, key: str, value: float) -> dict[str, float]:
    """All samples, once one of them has a value: some are counted after an answer was sent."""
    limit = time.monotonic() + 60
    while True:
        found = samples(httpx.get(f"{grid.url}/metrics").text)
        if found.get(key) == value:
            return found
        assert time.monotonic() < limit, found
        time.sleep(0.05)


def test_the_page(grid: Server) -> None:
    page = httpx.get(grid.url)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    linked = re.findall(r'(?:href|src)="(.*?)"', page.text)
    assert len(linked) == 3
    for path in [*linked, "dashboard/models.js"]:
        file = httpx.get(f"{grid.url}/{path}")
        assert file.status_code == 200, path
        known = {"If-None-Match": file.headers["etag"]}
        assert httpx.get(f"{grid.url}/{path}", headers=known).status_code == 304
    # With the strict policy nothing in the page itself may run, or have a style.
    assert not re.search(r"<style|style=|\son\w+=|<script(?! type=\"module\" src=)", page.text)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert httpx.get(f"{grid.url}/dashboard/index.html").status_code == 404
    assert httpx.get(f"{grid.url}/dashboard/../watch.py").status_code == 404


def test_old_clients_find_at_the_root_what_they_did(grid: Server) -> None:
    with Talk(grid) as talk:
        assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}
    assert httpx.head(grid.url).status_code == 200
    assert set(httpx.options(grid.url).headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert httpx.post(grid.url).status_code == 405


def test_status(grid: Server) -> None:
    place = take_part(grid)
    answer = httpx.get(f"{grid.url}/status/models")
    assert [model["checkpoint"] for model in answer.json()["models"]] == [2]
    assert not any(secret in answer.text for secret in place.values())
    known = {"If-None-Match": answer.headers["etag"]}
    assert httpx.get(f"{grid.url}/status/models", headers=known).status_code == 304
    assert httpx.get(f"{grid.url}/status/cycles?name=m").json()["cycles_done"] == 1
    assert httpx.get(f"{grid.url}/status/cycles?name=m&limit=x").status_code == 400


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_not_for_other_machines(grid: Server, path: str) -> None:
    """On loopback, without a token: no proxy, no page of another site, no name of another."""
    assert httpx.get(grid.url + path).status_code in (200, 404)
    for headers in (
        {"X-Forwarded-For": "192.0.2.1"},
        {"Origin": "https://example.org"},
        {"Host": "example.org"},
        {"Host": "["},
    ):
        answer = httpx.get(grid.url + path, headers=headers)
        assert answer.status_code in (400, 401), headers
        assert "rules" not in answer.text


def test_with_a_token() -> None:
    with Server(admin_token=TOKEN, watching=Watching(dashboard=False)) as grid:
        for path in (*FOR_OPERATORS, "/status/models"):
            assert httpx.get(grid.url + path).status_code == 401
            wrong = {"Authorization": "Bearer something-else"}
            assert httpx.get(grid.url + path, headers=wrong).status_code == 401
            assert httpx.get(grid.url + path, headers=AS_OPERATOR).status_code in (200, 404)
        assert httpx.get(f"{grid.url}/health").status_code == 200
        assert httpx.get(f"{grid.url}/dashboard/dashboard.js").status_code == 404
        assert "dashboard" not in httpx.get(grid.url).text


@pytest.mark.parametrize(("choice", "status"), [("everybody", 200), ("nobody", 404)])
def test_who_may_read_the_metrics(choice: str, status: int) -> None:
    with Server(admin_token=TOKEN, watching=Watching(metrics=choice)) as grid:
        assert httpx.get(f"{grid.url}/metrics").status_code == status


def test_health(grid: Server, tmp_path: Path) -> None:
    fine = httpx.get(f"{grid.url}/health")
    assert fine.status_code == 200
    assert fine.json() == {"status": "ok", "database": "ok", "cycles": "ok"}
    with sqlite3.connect(tmp_path / "grid.sqlite") as database:
        database.execute("ALTER TABLE process RENAME TO gone")
    ill = httpx.get(f"{grid.url}/health")
    assert ill.status_code == 503
    assert ill.json()["database"] == "does not answer"
    assert "process" not in ill.text
    assert httpx.get(f"{grid.url}/health/live").status_code == 200


def test_metrics(grid: Server) -> None:
    take_part(grid)
    httpx.get(f"{grid.url}/nothing/like/this")
    httpx.get(f"{grid.url}//status/models")
    with Talk(grid) as talk:
        talk.call("authenticate", {"model_name": "nothing"})
        found = metrics(grid, 'aggregation_seconds_count{outcome="done"}', 1)
    assert found["websocket_connections"] == 1
    kinds = {"host-training": "ok", "cycle-request": "accepted"}
    for kind, outcome in kinds.items():
        assert found[f'messages_total{{outcome="{outcome}",type="model-centric/{kind}"}}'] == 1
    for outcome in ("ok", "refused"):
        key = f'messages_total{{outcome="{outcome}",type="model-centric/authenticate"}}'
        assert found[key] == 1
    assert found['requests_total{method="GET",route="other",status="404"}'] == 1
    assert found['requests_total{method="GET",route="/status/models",status="200"}'] == 1
    assert found['cycles{state="done"}'] == found['cycles{state="open"}'] == found["models"] == 1


def test_metrics_of_several_processes(tmp_path: Path) -> None:
    """Whichever is asked knows of all: 20 connections surely do not all go to one of them."""
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    with Processes(2, "127.0.0.1", 0, database) as grid:
        with Talk(grid.url) as first, Talk(grid.url):
            first.call("host-training", host_data())
            for _ in range(20):
                assert httpx.get(f"{grid.url}/health/live").status_code == 200
            key = 'requests_total{method="GET",route="/health/live",status="200"}'
            found = metrics(grid, key, 20)
        assert found["websocket_connections"] == 2
        assert found["models"] == 1


def test_the_log_of_a_grid(tmp_path: Path) -> None:
    """JSON lines with ids of requests; no keys, no ids of workers, no addresses."""
    process = subprocess.Popen(
        [sys.executable, "-m", "syft_web.cli", "grid", "--config", str(_config(tmp_path))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    log: list[str] = []
    reader = threading.Thread(target=lambda: log.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        with Talk(found[0]) as talk, Talk(found[0], http=True) as other:
            talk.call("host-training", {**host_data(), "admin_token": TOKEN})
            place = talk.join()
            other.call("report", {**place, "diff": "bm90aGluZw=="})
        query = {**place, "model_id": "1"}
        answer = httpx.get(f"{found[0]}/model-centric/get-model", params=query)
        assert answer.status_code == 200
    finally:
        process.terminate()
        process.wait(60)
        reader.join(60)
    text = "".join(log)
    events = [json.loads(line) for line in log]
    messages = [event for event in events if event["message"] == "Message"]
    assert [event["outcome"] for event in messages] == ["ok", "ok", "accepted", "refused"]
    assert [event["number"] for event in messages] == [1, 2, 3, 1]
    assert len({event["request"] for event in messages}) == 2
    (download,) = [e for e in events if e.get("route") == "/model-centric/get-model"]
    assert download["request"] == answer.headers["x-request-id"]
    for secret in (*place.values(), TOKEN, "127.0.0.1"):
        assert secret not in text


def _config(folder: Path) -> Path:
    (folder / "token").write_text(TOKEN)
    file = folder / "grid.toml"
    file.write_text(
        f'port = 0\ndatabase = "sqlite:///{folder}/grid.sqlite"\n'
        f'admin-token-file = "{folder}/token"\nlog-format = "json"\nverbose = true\n'
    )
    return file
