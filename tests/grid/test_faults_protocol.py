"""Clients that mean harm or are broken, in what they say: each is refused in clear words.

One real server in a process of its own; after each fault another client is served.
"""

from __future__ import annotations

import base64
import math
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from syft_web.plan import State
from tests.grid.guarded import Guarded, guarded_process
from tests.grid.talk import SHAPES, Talk, host_data, retrieve, small_diff
from tests.unit.grid.tokens import SECRET, hand_made, in_seconds, public_pem, signed

INVALID_TOKEN = "The 'auth_token' you sent is invalid."
PROCESS_NOT_FOUND = "Not found any process related with this cycle and worker ID."

NAMES = [
    "'; DROP TABLE process; --",
    "m' OR '1'='1",
    '" OR 1=1 /*',
    "%",
    "m%00",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\windows",
    "file:///etc/passwd",
    "\x00",
    "a\x00b",
    "\ud800",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "x" * 10_000,
    "\u202e\u0000\uffff",
    "1e999",
    "-1",
    "None",
]

INSIDE = re.compile(
    r"Traceback|File \"|sqlite|sqlalchemy|SELECT |INSERT |site-packages|\.py\b|/tmp|/home|/root"
)
"""What an answer must not tell: of paths, of SQL, of our own code."""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_process(tmp_path_factory.mktemp("faults")) as guarded, Talk(guarded.url) as talk:
        for name, config in {
            "open": {"max_diffs": 3},
            "secret": {"authentication": {"secret": SECRET}},
            "rsa": {"authentication": {"pub_key": public_pem("rsa")}},
        }.items():
            data = host_data(name, **config)
            assert talk.call("host-training", data) == {"status": "success"}
        yield guarded


@pytest.fixture(scope="module")
def http_client(grid: Guarded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=grid.url, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def unharmed(grid: Guarded) -> Iterator[None]:
    yield
    grid.assert_well()


@pytest.fixture(params=["ws", "http"])
def talk(request: pytest.FixtureRequest, grid: Guarded) -> Iterator[Talk]:
    with Talk(grid.url, http=request.param == "http") as talk:
        yield talk


def diff_of(seed: int) -> bytes:
    return State.of(small_diff(seed)).dumps()


def assert_discreet(text: str) -> None:
    assert not INSIDE.search(text), text


# Keys and tokens


def test_wrong_request_keys(talk: Talk) -> None:
    place, other = talk.join("open"), talk.join("open")
    for key in ("", "0" * 64, other["request_key"], place["request_key"][:-1], None, 5, ["a"]):
        reply = talk.report({**place, "request_key": key}, diff_of(1))
        assert reply == {"error": "Invalid request key!"}, key
    for worker in ("", "nobody", None, 5, place["request_key"]):
        assert talk.report({**place, "worker_id": worker}, diff_of(1)) == {
            "error": "Worker ID not found!"
        }


def test_wrong_request_keys_of_downloads(talk: Talk) -> None:
    worker = talk.authenticate("open")
    accepted = talk.request(worker, "open")
    plan = accepted["plans"]["training_plan"]
    for path, asset in (("model", accepted["model_id"]), ("plan", plan)):
        query = {"worker_id": worker, f"{path}_id": asset}
        url = f"{talk.url}/model-centric/get-{path}"
        for key in ("", "0" * 64, talk.join("open")["request_key"], "é"):
            answer = httpx.get(url, params={**query, "request_key": key})
            assert answer.status_code == 401
            assert answer.json() == {"error": "Invalid request key!"}
        right = httpx.get(url, params={**query, "request_key": accepted["request_key"]})
        assert right.status_code == 200


def test_replayed_request_keys_and_late_reports(grid: Guarded, talk: Talk) -> None:
    name = f"replayed {id(talk)}"
    with Talk(grid.url) as owner:
        data = host_data(name, max_diffs=1, num_cycles=3)
        assert owner.call("host-training", data) == {"status": "success"}
    place, late = talk.join(name), talk.join(name)
    assert talk.report(place, diff_of(1)) == {"status": "success"}
    wait_for(grid, name, 2)
    before = retrieve(grid.url, name).content
    for _ in range(3):
        # The key of a cycle that is over: no harm, and no effect.
        assert talk.report(place, diff_of(2))["status"] == "success"
    reply = talk.report(late, diff_of(3))
    assert reply.pop("reason", "late") == "late"
    assert reply == {"status": "success"}
    assert retrieve(grid.url, name).content == before
    assert retrieve(grid.url, name, 3).status_code == 404
    query = {**place, "model_id": "1"}
    answer = httpx.get(f"{grid.url}/model-centric/get-model", params=query)
    assert (answer.status_code, answer.json()) == (400, {"error": "Cycle not found!"})


def test_expired_and_forged_tokens(talk: Talk) -> None:
    pem = public_pem("rsa").encode()
    forged = {
        "secret": [
            signed(exp=in_seconds(-5)),
            signed(nbf=in_seconds(99)),
            hand_made({"alg": "none"}, {}),
            hand_made({"alg": "None"}, {}),
            hand_made({"alg": "HS256"}, {}, b""),
            hand_made({"alg": "HS256", "kid": "../../dev/null"}, {}, b""),
            signed("rsa", "RS256"),
            "a.b.c",
            "..",
        ],
        "rsa": [
            hand_made({"alg": "HS256"}, {}, pem),
            hand_made({"alg": "none"}, {}),
            hand_made({"alg": "RS256", "jku": "http://127.0.0.1:9/"}, {}, pem),
            signed("another rsa", "RS256"),
            signed("ES256", "ES256"),
            signed("rsa", "RS256", exp=in_seconds(-5)),
            signed(),
        ],
    }
    for name, tokens in forged.items():
        for token in tokens:
            reply = talk.call("authenticate", {"model_name": name, "auth_token": token})
            assert reply["error"] == INVALID_TOKEN
            assert "worker_id" not in reply


def test_a_worker_of_another_process(talk: Talk) -> None:
    worker = talk.authenticate("open")
    reply = talk.request(worker, "secret")
    assert reply["status"] == "rejected"
    assert reply["error"].startswith("User is not authorized for this operation!")


# Names


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_strange_names(grid: Guarded, http_client: httpx.Client, name: str) -> None:
    replies: list[Any] = []
    for http in (False, True):
        with Talk(grid.url, http=http) as talk:
            replies.append(talk.call("authenticate", {"model_name": name}))
            replies.append(talk.call("authenticate", {"model_name": "open", "model_version": name}))
            replies.append(talk.request(name, "open"))
            replies.append(talk.request(talk.authenticate("open"), name))
            replies.append(talk.report({"worker_id": name, "request_key": name}, diff_of(0)))
    for reply in replies:
        assert reply["error"] in (PROCESS_NOT_FOUND, "Worker ID not found!")
    plain = name.encode("utf-8", "replace").decode()
    for key in ("name", "version", "checkpoint"):
        answer = http_client.get(
            "/model-centric/retrieve-model", params={"name": "open", key: plain}
        )
        assert answer.status_code in (404, 500)
        assert answer.json()["error"] in (PROCESS_NOT_FOUND, "Model ID not found!")
    for path, key in (("model", "model_id"), ("plan", "plan_id"), ("protocol", "protocol_id")):
        query = {"worker_id": plain, "request_key": plain, key: plain}
        answer = http_client.get(f"/model-centric/get-{path}", params=query)
        assert answer.status_code == 400


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_strange_names_are_names_where_they_may_be(grid: Guarded, name: str) -> None:
    with Talk(grid.url) as talk:
        data = host_data(name, plans={name: plan_bytes()}, protocols={name: b"p"})
        reply = talk.call("host-training", data)
        if "error" in reply:
            assert_discreet(reply["error"].replace(name, ""))
            return
        worker = talk.authenticate(name)
        accepted = talk.request(worker, name)
        assert list(accepted["plans"]) == [name]
    with sqlite3.connect(grid.clock.parent / "grid.sqlite") as database:
        assert database.execute("SELECT count(*) FROM process").fetchone()[0] > 3


def plan_bytes() -> bytes:
    data = host_data()["plans"]["training_plan"]
    return bytes.fromhex(data)


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/etc/passwd", "/static/..%2fgrid"])
def test_paths(grid: Guarded, path: str) -> None:
    answer = httpx.get(grid.url + path)
    assert answer.status_code == 404
    assert_discreet(answer.text)


# Diffs


def bad_diffs() -> dict[str, bytes]:
    good = [np.zeros(shape, np.float32) for shape in SHAPES]
    nan, infinite, first = good[0].copy(), good[0].copy(), good[0]
    nan[0, 0], infinite[0, 0] = math.nan, -math.inf
    return {
        "nothing": b"",
        "junk": b"\xff" * 100,
        "zeros": b"\0" * 100,
        "cut": State.of(good).dumps()[:-5],
        "nan": State.of([nan, good[1]]).dumps(),
        "infinite": State.of([infinite, good[1]]).dumps(),
        "too few": State.of(good[:1]).dumps(),
        "too many": State.of([*good, good[1]]).dumps(),
        "turned": State.of([first.T.copy(), good[1]]).dumps(),
        "flat": State.of([first.ravel(), good[1]]).dumps(),
        "broadcastable": State.of([first[:1], good[1]]).dumps(),
        "order": State.of(good[::-1]).dumps(),
        "double": State.of([tensor.astype(np.float64) for tensor in good]).dumps(),
        "integers": State.of([tensor.astype(np.int64) for tensor in good]).dumps(),
        "huge": State.of([np.zeros((2000, 300), np.float32), good[1]]).dumps(),
        "a plan": plan_bytes(),
    }


def test_bad_diffs_count_for_nothing(grid: Guarded, talk: Talk) -> None:
    name = f"diffs {id(talk)}"
    with Talk(grid.url) as owner:
        data = host_data(name, max_diffs=2, num_cycles=2)
        assert owner.call("host-training", data) == {"status": "success"}
    place, other = talk.join(name), talk.join(name)
    for kind, diff in bad_diffs().items():
        reply = talk.report(place, diff)
        assert list(reply) == ["error"], kind
        assert reply["error"].startswith("Invalid diff"), kind
        assert_discreet(reply["error"])
    for text in ("a", "%%%%", "====", "é", 5, None, ["AA=="], {"a": 1}):
        reply = talk.call("report", {**place, "diff": text})
        assert list(reply) == ["error"], text
        assert_discreet(reply["error"])
    # The same workers may do better, and twice is as good as once.
    assert talk.report(place, diff_of(1)) == {"status": "success"}
    assert talk.report(place, diff_of(9)) == {"status": "success"}
    assert retrieve(grid.url, name, 2).status_code == 404
    assert talk.report(other, diff_of(2)) == {"status": "success"}
    wait_for(grid, name, 2)
    model = State.loads(retrieve(grid.url, name).content).tensors
    means = [(a + b) / 2 for a, b in zip(small_diff(1), small_diff(2), strict=True)]
    for ours, mean in zip(model, means, strict=True):
        np.testing.assert_allclose(ours, 1 - mean, rtol=1e-6)


def wait_for(grid: Guarded, name: str, checkpoint: int) -> None:
    for _ in range(60 * 20):
        if retrieve(grid.url, name, checkpoint).status_code == 200:
            return
        time.sleep(0.05)
    raise AssertionError(grid.log())


def test_base64_of_a_great_size(grid: Guarded) -> None:
    with Talk(grid.url) as talk:
        place = talk.join("open")
        text = base64.b64encode(b"\0" * 20_000_000).decode()
        assert talk.call("report", {**place, "diff": text})["error"].startswith("Invalid diff")


# Headers


def test_headers_of_every_answer(grid: Guarded) -> None:
    asked = [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("DELETE", "/"),
        ("OPTIONS", "/model-centric/report"),
        ("POST", "/model-centric/report"),
        ("POST", "/model-centric/authenticate"),
        ("GET", "/model-centric/get-model"),
        ("GET", "/model-centric/retrieve-model?name=open"),
        ("GET", "/model-centric/retrieve-model?name=nothing"),
        ("GET", "/model-centric/speed-test?worker_id=w&random=1&is_ping=1"),
    ]
    for method, path in asked:
        answer = httpx.request(method, grid.url + path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert answer.headers["access-control-allow-origin"] == "*", path
        assert answer.headers["cache-control"] in ("no-store", "no-cache"), path
        assert "server" not in answer.headers, path
        assert_discreet(answer.text if answer.headers["content-type"] != BINARY else "")


BINARY = "application/octet-stream"


def test_the_database_is_as_it_should_be(grid: Guarded) -> None:
    path: Path = grid.clock.parent / "grid.sqlite"
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
