"""Who may take part and who may host, against a running grid, over both transports."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect

from syft_web import cli
from syft_web.author import Bundle, host_training, retrieve_model
from syft_web.author.hosting import host
from syft_web.author.tracing import trace
from syft_web.client.steps import Accepted
from syft_web.client.syft import Syft
from syft_web.errors import AuthenticationError, GridRefusedError, HostError
from syft_web.grid import Limits, Server
from syft_web.plan import State
from tests.grid.talk import BIG, Talk, host_data, small_diff
from tests.grid.third_party import ThirdParty
from tests.unit.grid.tokens import SECRET, hand_made, in_seconds, public_pem, signed

REQUIRED = "Authentication is required, please pass an 'auth_token'."
INVALID = "The 'auth_token' you sent is invalid."
NOT_PASSED = "The 'auth_token' you sent did not pass 3rd party validation."
SILENT = "The 3rd party validation of tokens does not answer; try again later."
NOT_AUTHORIZED = "User is not authorized for this operation!"

PATIENCE = 0.6
"""Seconds the grid of these tests waits for a third party."""

ADMIN = "an-admin-token-of-some-length"


@pytest.fixture(scope="module")
def party() -> Iterator[ThirdParty]:
    with ThirdParty() as party:
        yield party


@pytest.fixture(scope="module")
def guarded(party: ThirdParty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A grid with processes ``open``, ``secret``, ``rsa``, and one for each path of the party."""
    path = tmp_path_factory.mktemp("grid") / "grid.sqlite"
    limits = Limits(endpoint_seconds=PATIENCE)
    keys: dict[str, Any] = {
        "open": None,
        "secret": {"type": "jwt", "secret": SECRET},
        "rsa": {"pub_key": public_pem("rsa")},
        "both": {"secret": SECRET, "endpoint": f"{party.url}/good"},
        "gone": {"endpoint": "http://127.0.0.1:9/"},
        "nowhere": {"endpoint": "http://no-such-host.invalid/"},
    }
    for name in ("good", "refusing", "redirect", "slow", "huge", "drip", "head", "junk"):
        keys[name] = {"endpoint": f"{party.url}/{name}?key=of-the-owner"}
    with Server(database=f"sqlite:///{path}", limits=limits) as server, Talk(server) as talk:
        for name, config in keys.items():
            data = host_data(name, authentication=config)
            assert talk.call("host-training", data) == {"status": "success"}
        yield server


@pytest.fixture(params=["ws", "http"])
def talk(request: pytest.FixtureRequest, guarded: Server) -> Iterator[Talk]:
    with Talk(guarded, http=request.param == "http") as talk:
        yield talk


def join(talk: Talk, name: str, token: Any = None) -> dict[str, Any]:
    data = {"model_name": name} if token is None else {"model_name": name, "auth_token": token}
    reply = talk.call("authenticate", data)
    reply.pop("status", None) if "error" in reply else None
    return reply


def is_in(reply: dict[str, Any]) -> bool:
    return reply.get("status") == "success"


def test_a_secret(talk: Talk) -> None:
    assert join(talk, "secret") == {"error": REQUIRED}
    assert join(talk, "secret", "just kidding!") == {"error": INVALID}
    assert join(talk, "secret", signed(exp=in_seconds(-5))) == {"error": INVALID}
    assert join(talk, "secret", signed(nbf=in_seconds(99))) == {"error": INVALID}
    assert join(talk, "secret", hand_made({"alg": "none"}, {})) == {"error": INVALID}
    assert join(talk, "secret", hand_made({"alg": "HS256"}, {}, b"")) == {"error": INVALID}
    assert join(talk, "secret", "x" * 1_000_000) == {"error": INVALID}
    assert is_in(join(talk, "secret", signed(exp=in_seconds(99))))


def test_a_public_key(talk: Talk) -> None:
    assert join(talk, "rsa") == {"error": REQUIRED}
    forged = hand_made({"alg": "HS256"}, {}, public_pem("rsa").encode())
    for token in (forged, signed("another rsa", "RS256"), signed("ES256", "ES256"), signed()):
        assert join(talk, "rsa", token) == {"error": INVALID}
    assert is_in(join(talk, "rsa", signed("rsa", "RS256")))


def test_the_status_over_http(guarded: Server) -> None:
    url = f"{guarded.url}/model-centric/authenticate"
    for token, status in ((None, 400), ("junk", 400), (signed(), 200)):
        answer = httpx.post(url, json={"model_name": "secret", "auth_token": token})
        assert answer.status_code == status
    assert httpx.post(url, json={"model_name": "gone", "auth_token": "t"}).status_code == 401
    assert httpx.post(url, json={"model_name": "refusing", "auth_token": "t"}).status_code == 400


@settings(max_examples=40)
@given(token=st.recursive(st.text() | st.integers() | st.booleans(), st.lists, max_leaves=4))
@pytest.mark.parametrize("http", [False, True])
def test_junk_tokens(guarded: Server, http: bool, token: Any) -> None:
    with Talk(guarded, http=http) as talk:
        assert join(talk, "secret", token) == {"error": INVALID}


def test_a_whole_cycle_with_a_token(guarded: Server, talk: Talk) -> None:
    worker = join(talk, "secret", signed())["worker_id"]
    reply = talk.request(worker, "secret")
    place = {"worker_id": worker, "request_key": reply["request_key"]}
    assert talk.report(place, State.of(small_diff(1)).dumps()) == {"status": "success"}


def test_joining_elsewhere_is_not_enough(talk: Talk) -> None:
    worker = talk.authenticate("open")
    reply = talk.request(worker, "secret")
    assert reply["status"] == "rejected"
    assert reply["error"].startswith(NOT_AUTHORIZED)


async def test_our_own_client(guarded: Server) -> None:
    for url in (guarded.url, guarded.ws_url):
        async with Syft(url) as syft:
            with pytest.raises(AuthenticationError, match="new_job a valid auth_token"):
                await syft.new_job("secret", auth_token="wrong").request()
            job = syft.new_job("secret", auth_token=signed())
            assert isinstance(await job.request(), Accepted)


# Third parties


def test_what_a_third_party_is_sent(party: ThirdParty, talk: Talk) -> None:
    party.asked.clear()
    assert is_in(join(talk, "good", "opaque-123"))
    (asked,) = party.asked
    assert asked.path == "/good?key=of-the-owner"
    assert asked.body == b'{"auth_token": "opaque-123"}'
    assert "Cookie" not in asked.headers
    assert is_in(join(talk, "good", ""))
    assert party.asked[-1].token == ""
    assert join(talk, "good") == {"error": REQUIRED}
    assert join(talk, "good", "x" * 10_000) == {"error": INVALID}
    assert len(party.asked) == 2


def test_a_third_party_that_says_no(party: ThirdParty, talk: Talk) -> None:
    assert join(talk, "refusing", "t") == {"error": NOT_PASSED}
    party.asked.clear()
    assert join(talk, "redirect", "t") == {"error": NOT_PASSED}
    assert [asked.path for asked in party.asked] == ["/redirect?key=of-the-owner"]


def test_it_is_not_asked_about_what_is_not_signed(party: ThirdParty, talk: Talk) -> None:
    party.asked.clear()
    assert join(talk, "both", signed("x" * 40)) == {"error": INVALID}
    assert not party.asked
    assert is_in(join(talk, "both", signed()))
    assert len(party.asked) == 1


@pytest.mark.parametrize("name", ["gone", "nowhere", "slow", "drip", "junk", "head"])
def test_a_third_party_that_does_not_answer(talk: Talk, name: str) -> None:
    assert join(talk, name, "t") == {"error": SILENT}


def test_the_answer_is_not_read(party: ThirdParty, talk: Talk) -> None:
    party.sent = 0
    assert is_in(join(talk, "huge", "t"))
    time.sleep(0.2)
    assert party.sent < 64 << 20


def test_a_slow_third_party_holds_up_nobody_else(guarded: Server, party: ThirdParty) -> None:
    party.most_under_way = 0
    url = f"{guarded.url}/model-centric/authenticate"
    body = {"model_name": "slow", "auth_token": "t"}
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(60) as pool, Talk(guarded) as talk:
        waiting = [pool.submit(client.post, url, json=body) for _ in range(60)]
        while party.most_under_way < 8:
            time.sleep(0.01)
        for name in ("open", "good"):
            assert is_in(join(talk, name, "t"))
        assert not all(each.done() for each in waiting)
        for each in waiting:
            assert each.result().json() == {"error": SILENT}
        assert is_in(join(talk, "good", "t"))
    assert party.most_under_way <= 16  # eight at once, and those that notice a little late


# Hosting


def test_every_problem_of_the_keys_is_told(guarded: Server) -> None:
    wrong = {"secret": 1, "pub_key": "-----BEGIN", "endpoint": "nowhere"}
    with Talk(guarded) as talk:
        reply = talk.call("host-training", host_data("wrong", authentication=wrong))
        for key in wrong:
            assert f"authentication.{key}" in reply["error"]
        assert join(talk, "wrong", "t")["error"].startswith("Not found any process")


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with Server(admin_token=ADMIN) as server:
        yield server


def host_frame(grid: Server, name: str, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    data = {**host_data(name), **more}
    with connect(grid.ws_url, max_size=BIG, additional_headers=headers) as socket:
        socket.send(json.dumps({"type": "model-centric/host-training", "data": data}))
        return json.loads(socket.recv(timeout=30))["data"]


def test_a_grid_with_an_admin_token(strict: Server) -> None:
    for token in (None, "", "wrong", ADMIN + "x", ADMIN[:-1], 5, ["x"], {"a": 1}, True, "\ud800"):
        reply = host_frame(strict, "m", {}, admin_token=token)
        assert reply["error"].startswith(NOT_AUTHORIZED)
    for header in ("Bearer wrong", "Bearer", f"Basic {ADMIN}", ADMIN, "Bearer "):
        reply = host_frame(strict, "m", {"Authorization": header})
        assert reply["error"].startswith(NOT_AUTHORIZED)
    wrong = host_frame(strict, "m", {"Authorization": f"Bearer {ADMIN}"}, admin_token="wrong")
    assert wrong["error"].startswith(NOT_AUTHORIZED)
    assert host_frame(strict, "a", {}, admin_token=ADMIN) == {"status": "success"}
    header = {"Authorization": f"bearer {ADMIN}"}
    assert host_frame(strict, "b", header) == {"status": "success"}
    with Talk(strict) as talk:  # workers need none
        assert talk.authenticate("a")


def test_the_token_is_checked_before_anything_else(strict: Server) -> None:
    with Talk(strict) as talk:
        for data in ({}, None, [], 5, {"model": "zz"}):
            assert talk.call("host-training", data)["error"].startswith(NOT_AUTHORIZED)
        assert "encode" in talk.call("host-training", {"admin_token": ADMIN})["error"]


def test_a_grid_for_its_own_machine(grid: Server) -> None:
    far = (
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Origin": "https://page.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.page.example"},
        {"Origin": "http://[::1"},
    )
    for headers in far:
        assert host_frame(grid, "m", headers)["error"].startswith(NOT_AUTHORIZED)
    for index, origin in enumerate(("http://localhost:8000", "http://127.0.0.1", "http://[::1]:1")):
        assert host_frame(grid, f"m{index}", {"Origin": origin}) == {"status": "success"}


def test_a_grid_for_everybody_takes_no_models_without_a_token() -> None:
    with Server("0.0.0.0") as server:
        assert not server.takes_models
        near = f"ws://127.0.0.1:{server.url.rpartition(':')[2]}"
        with Talk("http" + near[2:]) as talk:
            reply = talk.call("host-training", host_data())
            assert "was started without an admin token" in reply["error"]


def test_secrets_that_can_be_guessed_are_for_loopback() -> None:
    with Server("0.0.0.0", admin_token=ADMIN) as server:
        url = f"http://127.0.0.1:{server.url.rpartition(':')[2]}"
        with Talk(url) as talk:
            data = {**host_data(authentication={"secret": "abc"}), "admin_token": ADMIN}
            assert "fewer than 32 bytes" in talk.call("host-training", data)["error"]
            data["server_config"]["authentication"] = {"secret": SECRET}
            assert talk.call("host-training", data) == {"status": "success"}


@pytest.mark.parametrize(
    "token", ["short", "with blanks in between", "ünïcödé-ünïcödé-ünïcödé", ""]
)
def test_what_is_no_admin_token(token: str) -> None:
    with pytest.raises(HostError, match="at least 16 characters") as caught:
        Server(admin_token=token).start()
    assert not token or token not in str(caught.value)


W = np.arange(6, dtype=np.float32).reshape(2, 3)
PLAN = trace(lambda x, w: x @ w, np.ones((4, 2), np.float32), W, name="apply")
WHAT: tuple[Any, ...] = (State.of([W]), {"apply": PLAN}, {"lr": 0.1}, {"cycle_length": 60})


async def test_hosting_from_python(strict: Server) -> None:
    for url in (strict.url, strict.ws_url):
        version = url.partition(":")[0]
        with pytest.raises(GridRefusedError, match="needs its admin token"):
            await host_training(url, "py", version, *WHAT)
        with pytest.raises(GridRefusedError, match="not the grid's admin token"):
            host(url, "py", version, *WHAT, token="wrong")
        await host_training(url, "py", version, *WHAT, token=ADMIN)
        assert (await retrieve_model(url, "py", version)).tensors


def test_hosting_from_the_command_line(
    strict: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle, token = tmp_path / "b.syft", tmp_path / "token"
    Bundle("cli", "1", *WHAT).save(bundle)
    token.write_text(ADMIN + "\n")
    command = ["host", str(bundle), "--url", strict.url]
    assert cli.main(command) == 1
    assert "needs its admin token" in capsys.readouterr().err
    assert cli.main([*command, "--token-file", str(token)]) == 0
    monkeypatch.setenv("SYFT_WEB_ADMIN_TOKEN", ADMIN)
    assert cli.main([*command, "--version", "2"]) == 0
    token.write_text("\n")
    assert cli.main([*command, "--token-file", str(token)]) == 1
    assert "the file is empty" in capsys.readouterr().err
    assert cli.main([*command, "--token-file", str(tmp_path / "none")]) == 1
    assert "cannot be read" in capsys.readouterr().err


@contextmanager
def command(*options: str, **variables: str) -> Iterator[tuple[str, list[str]]]:
    """``syft-web grid`` as a process; gives its address, and the lines it has said at its end."""
    words = [sys.executable, "-m", "syft_web.cli", "grid", "--host", "0.0.0.0", "--port", "0"]
    environment = {**os.environ, **variables}
    said: list[str] = []
    with subprocess.Popen(
        [*words, *options], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        port = first.split()[2].rpartition(":")[2]
        try:
            yield f"http://127.0.0.1:{port}", said
        finally:
            process.terminate()
            said += [first, *process.stdout]


def test_a_grid_from_the_command_line(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"  {ADMIN}\n")
    base = ("--database", f"sqlite:///{tmp_path / 'grid.sqlite'}")
    hosting = {**host_data(), "admin_token": ADMIN}
    with command(*base) as (url, said), Talk(url) as talk:
        assert talk.call("host-training", hosting)["error"].startswith(NOT_AUTHORIZED)
    assert any("models cannot be hosted" in line for line in said)
    with command(*base, "--admin-token-file", str(token)) as (url, said), Talk(url) as talk:
        assert talk.call("host-training", hosting) == {"status": "success"}
    assert ADMIN not in "".join(said)
    with command(*base, SYFT_WEB_ADMIN_TOKEN=ADMIN) as (url, _), Talk(url) as talk:
        assert "already exists" in talk.call("host-training", hosting)["error"]
    assert cli.main(["grid", "--admin-token-file", str(tmp_path / "none")]) == 1


def test_nothing_secret_is_logged(
    party: ThirdParty, guarded: Server, strict: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = signed(sub="logged"), signed("y" * 40, sub="logged")
    for http in (False, True):
        with Talk(guarded, http=http) as talk:
            for name in ("secret", "both", "refusing", "gone", "redirect", "junk"):
                join(talk, name, good)
                join(talk, name, bad)
    host_frame(strict, "logged", {"Authorization": f"Bearer {ADMIN}"})
    host_frame(strict, "logged", {}, admin_token="not-the-right-admin-token")
    # The tests' own clients log what they send; the grid runs in other threads.
    own = threading.current_thread().name
    lines = [f"{r.name} {r.getMessage()}" for r in caplog.records if r.threadName != own]
    lines = [line for line in lines if not line.startswith("websockets.client")]
    assert any("did not answer" in line for line in lines)
    for secret in (good, bad, SECRET, ADMIN, "not-the-right-admin-token", "of-the-owner"):
        assert not [line for line in lines if secret in line]
