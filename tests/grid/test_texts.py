"""The status codes and error texts that clients of PyGrid know (protocol.md 1.5 and 1.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from syft_web.grid import Server, texts
from syft_web.plan import State
from tests.grid.talk import Talk, host_data, small_diff

NOT_JSON = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
SECRET = "a secret that nobody guesses, not even once"


@dataclass
class Known:
    """A grid with a process ``m`` (protocol 1, plan 2, model 1) and one that has finished."""

    http: httpx.Client
    talk: Talk
    place: dict[str, str]
    stranger: str


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    path = tmp_path_factory.mktemp("grid") / "grid.sqlite"
    with Server(database=f"sqlite:///{path}") as grid, Talk(grid) as talk:
        for data in (
            host_data(protocols={"p": b"raw"}),
            host_data("over", max_diffs=1, num_cycles=1),
            host_data("closed", authentication={"secret": SECRET}),
        ):
            assert talk.call("host-training", data) == {"status": "success"}
        talk.report(talk.join("over"), State.of(small_diff(0)).dumps())
        assert grid.settle()
        with httpx.Client(base_url=f"{grid.url}/model-centric", timeout=60) as http:
            yield Known(http, talk, talk.join(), talk.authenticate())


def place_of(known: Known, **changes: str | None) -> dict[str, str]:
    return {k: v for k, v in {**known.place, **changes}.items() if v is not None}


@pytest.mark.parametrize(
    ("asset", "ident", "missing"),
    [
        ("model", "1", texts.MODEL_NOT_FOUND),
        ("plan", "2", texts.PLAN_NOT_FOUND),
        ("protocol", "1", texts.PROTOCOL_NOT_FOUND),
    ],
)
def test_downloads(known: Known, asset: str, ident: str, missing: str) -> None:
    def get(number: str, query: dict[str, str]) -> tuple[int, Any]:
        answer = known.http.get(f"/get-{asset}", params={**query, f"{asset}_id": number})
        assert answer.headers["content-type"] == "application/json"
        return answer.status_code, answer.json()

    for number in ("999", "", "x"):
        assert get(number, known.place) == (400, {"error": missing})
    for worker in ("nobody", None):
        refused = get(ident, place_of(known, worker_id=worker))
        assert refused == (400, {"error": texts.WORKER_NOT_FOUND})
    refused = get(ident, place_of(known, worker_id=known.stranger))
    assert refused == (400, {"error": texts.CYCLE_NOT_FOUND})
    for key in ("wrong", None):
        refused = get(ident, place_of(known, request_key=key))
        assert refused == (401, {"error": texts.INVALID_REQUEST_KEY})


def test_downloads_of_a_finished_training(known: Known) -> None:
    for asset, ident in (("model", "2"), ("plan", "4")):
        answer = known.http.get(f"/get-{asset}", params=known.place | {f"{asset}_id": ident})
        assert (answer.status_code, answer.json()) == (400, {"error": texts.CYCLE_NOT_FOUND})


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"name": "nothing"}, 500, texts.PROCESS_NOT_FOUND),
        ({}, 500, texts.PROCESS_NOT_FOUND),
        ({"name": "m", "version": "9"}, 500, texts.PROCESS_NOT_FOUND),
        ({"name": "m", "checkpoint": "2"}, 404, texts.MODEL_NOT_FOUND),
        ({"name": "m", "checkpoint": "newest"}, 404, texts.MODEL_NOT_FOUND),
    ],
)
def test_retrieving(known: Known, query: dict[str, str], status: int, text: str) -> None:
    answer = known.http.get("/retrieve-model", params=query)
    assert (answer.status_code, answer.json()) == (status, {"error": text})


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({"model_name": "nothing"}, 401, texts.PROCESS_NOT_FOUND),
        ({"model_name": "m", "model_version": "9"}, 401, texts.PROCESS_NOT_FOUND),
        ({"model_name": "closed"}, 400, texts.TOKEN_REQUIRED),
        ({"model_name": "closed", "auth_token": "x"}, 400, texts.TOKEN_INVALID),
    ],
)
def test_authenticating(known: Known, data: dict[str, str], status: int, text: str) -> None:
    answer = known.http.post("/authenticate", json=data)
    assert (answer.status_code, answer.json()) == (status, {"error": text})
    assert known.talk.call("authenticate", data) == {"status": "error", "error": text}


def test_asking_for_a_cycle(known: Known) -> None:
    for data, text in (
        ({"worker_id": "nobody", "model": "m"}, texts.WORKER_NOT_FOUND),
        ({"worker_id": known.stranger, "model": "nothing"}, texts.PROCESS_NOT_FOUND),
        ({"worker_id": known.stranger, "model": "closed"}, texts.NOT_JOINED),
        (
            {"worker_id": known.stranger, "model": "m", "upload": -1},
            "'upload' needs to be a positive number",
        ),
    ):
        expected = {"status": "rejected", "error": text}
        assert known.talk.call("cycle-request", data) == expected
        answer = known.http.post("/cycle-request", json=data)
        assert (answer.status_code, answer.json()) == (200, expected)


def test_reporting(known: Known) -> None:
    diff = "AAAA"
    for place, text in (
        (place_of(known, worker_id="nobody"), texts.WORKER_NOT_FOUND),
        (place_of(known, request_key="wrong"), texts.INVALID_REQUEST_KEY),
    ):
        data = {**place, "diff": diff}
        assert known.talk.call("report", data) == {"error": text}
        answer = known.http.post("/report", json=data)
        assert (answer.status_code, answer.json()) == (200, {"error": text})
    for data, text in (
        (known.place, "'NoneType' object has no attribute 'encode'"),
        ({**known.place, "diff": "AAA"}, "Incorrect padding"),
        ({**known.place, "diff": diff}, texts.INVALID_DIFF),
    ):
        assert known.talk.call("report", data)["error"].startswith(text)


@pytest.mark.parametrize("route", ["cycle-request", "report"])
def test_what_is_no_json(known: Known, route: str) -> None:
    answer = known.http.post(f"/{route}", content=b"{bad")
    assert (answer.status_code, answer.json()) == (400, {"error": NOT_JSON})


@pytest.mark.parametrize("query", [{}, {"worker_id": "w"}, {"random": "1"}, {"worker_id": ""}])
def test_speed_test(known: Known, query: dict[str, str]) -> None:
    answer = known.http.get("/speed-test", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("is required")


def test_hosting(known: Known) -> None:
    for data, text in (
        (host_data(), texts.CONFLICT),
        (host_data("new", plans={"p": b"junk"}), texts.PLAN_INVALID),
    ):
        assert known.talk.call("host-training", data)["error"].startswith(text)


def test_pages(known: Known) -> None:
    assert known.http.get("/nothing").status_code == 404
    assert known.http.get("/report").status_code == 405
