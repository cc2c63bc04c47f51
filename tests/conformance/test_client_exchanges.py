"""Our client in the place of the original ones, against what the original servers answered.

A replay server checks that each request is what the recorded client sent (same
transport, message, keys and values) and gives the recorded answer. What differs on
purpose: a ``request_id`` goes along, plans are asked for as ``list``, and speeds are
ours.
"""

from __future__ import annotations

import base64
import json
import logging

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from syft_web.client import Accepted, Options, Rejected, Retry, SpeedLimits, Step, Syft
from syft_web.client.answers import check_download, http_reply, read_frame, reply_data
from syft_web.client.model import Model
from syft_web.client.protocol import JobProtocol
from syft_web.client.steps import Failed
from syft_web.errors import (
    AuthenticationError,
    DownloadError,
    GridAnswerError,
    GridRefusedError,
    SyftError,
)
from syft_web.plan.plan import Plan
from tests.conformance.recordings import (
    Turn,
    blob,
    exchange,
    recording,
    recording_names,
    turns,
)
from tests.paths import NO_SHARED, SHARED
from tests.unit.client.local_grid import serving

pytestmark = pytest.mark.skipif(SHARED is None, reason=NO_SHARED)

OPTIONS = Options(
    answer_seconds=30,
    report_retry=Retry(tries=1),
    download_retry=Retry(tries=1),
    speed_limits=SpeedLimits(seconds=1, max_bytes=2**20),
)


class Replay:
    """A server that has one conversation in it.

    Args:
        script: What the recorded client sent and was answered.
        echo: Echo ``request_id``, which the recorded client did not send.
    """

    def __init__(self, script: list[Turn], *, echo: bool = False) -> None:
        self.script = [turn for turn in script if turn.kind != "speed-test"]
        self.echo = echo
        self.speeds: dict[str, float] = {}
        self.place = ""

    def url(self, transport: str) -> str:
        return f"{transport}://{self.place}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/", self.websocket),
                Route("/model-centric/speed-test", self.speed_test, methods=["GET", "POST"]),
                Route("/model-centric/{kind}", self.http, methods=["GET", "POST"]),
            ]
        )

    def turn(self, transport: str, kind: str, sent: dict) -> Turn:
        assert self.script, f"nothing more was due, but came: {transport} {kind}"
        expected = self.script.pop(0)
        assert (transport, kind) == (expected.transport, expected.kind)
        wanted = dict(expected.sent)
        if kind == "get-plan":
            assert wanted["receive_operations_as"] == "tfjs"
            wanted["receive_operations_as"] = "list"
        if kind == "cycle-request" and wanted["ping"] != 0:
            self.speeds = {key: sent[key] for key in ("ping", "download", "upload")}
            wanted |= self.speeds
        assert list(sent.items()) == list(wanted.items())
        return expected

    async def websocket(self, peer: WebSocket) -> None:
        await peer.accept()
        try:
            while True:
                frame = json.loads(await peer.receive_text())
                assert list(frame) == ["request_id", "type", "data"]
                assert len(base64.b64decode(frame["request_id"])) == 32
                assert frame["type"].startswith("model-centric/")
                kind = frame["type"].removeprefix("model-centric/")
                text = self.turn("ws", kind, frame["data"]).answer.decode()
                if self.echo:
                    text = json.dumps({**json.loads(text), "request_id": frame["request_id"]})
                await peer.send_text(text)
        except WebSocketDisconnect:
            pass

    async def http(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if request.method == "POST":
            assert request.headers["content-type"] == "application/json"
            sent = json.loads(await request.body())
        else:
            sent = dict(request.query_params)
        turn = self.turn("http", kind, sent)
        assert request.method == turn.method
        return Response(
            turn.answer, turn.status or 200, {"content-type": turn.headers["content-type"]}
        )

    async def speed_test(self, request: Request) -> Response:
        assert request.query_params["worker_id"]
        assert 0 <= float(request.query_params["random"]) < 1
        if request.method == "POST" or request.query_params.get("is_ping") == "1":
            return Response("{}", media_type="application/json")
        return Response(b"x" * 2**20, media_type="multipart/form-data; boundary=98b0")


async def converse(
    replay: Replay, transport: str, model: str, reports=(), token=None, version="1.0.0"
):
    """Take part as our client; returns the outcome (or error) and the job."""
    async with (
        serving(replay.app()) as replay.place,
        Syft(replay.url(transport), options=OPTIONS) as syft,
    ):
        job = syft.new_job(model, version, token)
        try:
            outcome = await job.request()
            for diff in reports:
                await job.report(diff)
        except SyftError as error:
            outcome = error
        return outcome, job


def report_of(script: list[Turn]) -> bytes:
    return base64.b64decode(next(turn for turn in script if turn.kind == "report").sent["diff"])


def check_mnist(outcome: object, updates: int, batch_size: int = 64, lr: float = 0.005) -> None:
    assert isinstance(outcome, Accepted), repr(outcome)
    assert [list(param.shape) for param in outcome.model.params] == [
        [392, 784],
        [392],
        [10, 392],
        [10],
    ]
    assert outcome.version == "1.0.0"
    assert outcome.client_config["batch_size"] == batch_size
    assert outcome.client_config["lr"] == lr
    assert outcome.client_config["max_updates"] == updates
    assert list(outcome.plans) == ["training_plan"]
    assert len(outcome.plans["training_plan"].inputs) == 8
    assert len(outcome.plans["training_plan"].outputs) == 6


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize(
    ("name", "transport", "updates"),
    [
        ("exchange_syftjs_http_1step", "http", 1),
        ("exchange_syftjs_ws_1step", "ws", 1),
        ("exchange_syftjs_ws_5step", "ws", 5),
    ],
)
async def test_exchanges(name, transport, updates, echo):
    script = exchange(name)
    replay = Replay(script, echo=echo)
    outcome, job = await converse(replay, transport, "mnist", [report_of(script)])
    check_mnist(outcome, updates)
    assert job.step is Step.REPORTED
    assert replay.script == []


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("client", ["worker 1", "worker 2", "cycle 2, worker 2"])
async def test_50_whole_cycles_over_the_websocket(client, echo):
    script = turns(recording("50"), f"syft.js 0.1.4 over ws, {client}")
    replay = Replay(script, echo=echo)
    outcome, job = await converse(replay, "ws", "mnist", [report_of(script)])
    check_mnist(outcome, 2, 3, 0.1)
    assert job.step is Step.REPORTED
    assert replay.script == []


async def test_50_reporting_twice():
    script = turns(recording("50"), "syft.js 0.1.4 over ws, cycle 2, reports twice")
    replay = Replay(script)
    _, job = await converse(replay, "ws", "mnist", [report_of(script)] * 2)
    assert job.step is Step.REPORTED
    assert replay.script == []


async def test_50_training_is_finished():
    script = turns(recording("50"), "syft.js 0.1.4 over ws, after the last cycle")
    outcome, _ = await converse(Replay(script), "ws", "mnist")
    assert outcome == Rejected(None)
    assert outcome.finished


async def test_50_an_unknown_model():
    script = turns(recording("50"), "syft.js 0.1.4 over ws, unknown model")
    sent = script[0].sent
    error, _ = await converse(
        Replay(script), "ws", sent["model_name"], version=sent["model_version"]
    )
    assert type(error) is GridRefusedError
    assert error.text == "Not found any process related with this cycle and worker ID."


async def test_51_the_envelope_over_http_is_understood():
    script = turns(recording("51"), "syft.js 0.1.4 over http")
    # The recorded client gave up here; ours goes on to the downloads of the same process.
    accepted = json.loads(script[-1].answer)["data"]
    keys = {
        "worker_id": script[-1].sent["worker_id"],
        "request_key": accepted["request_key"],
    }
    plan = next(turn for turn in turns(recording("50"), "syft.js 0.1.4 over ws, worker 1")
                if turn.kind == "get-plan")  # fmt: skip
    binary = {"content-type": "application/octet-stream"}
    script += [
        Turn("http", "get-model", {**keys, "model_id": str(accepted["model_id"])}, "GET", 200,
             binary, blob("bin/js2007b_mnist_model_params.pb")),
        Turn("http", "get-plan",
             {**keys, "plan_id": str(accepted["plans"]["training_plan"]),
              "receive_operations_as": "tfjs"},
             "GET", 200, binary, plan.answer),
        Turn("http", "report", {**keys, "diff": base64.b64encode(b"diff").decode()}, "POST", 200,
             {"content-type": "application/json"},
             b'{"type": "model-centric/report", "data": {"status": "success"}}'),
    ]  # fmt: skip
    replay = Replay(script)
    outcome, job = await converse(replay, "http", "mnist2", [b"diff"])
    check_mnist(outcome, 2, 3, 0.1)
    assert job.step is Step.REPORTED
    assert replay.script == []


async def test_51_an_unknown_model():
    script = turns(recording("51"), "syft.js 0.1.4 over http, unknown model")
    error, _ = await converse(Replay(script), "http", "nothere")
    assert type(error) is GridRefusedError
    assert error.status == 401
    assert error.text == "Not found any process related with this cycle and worker ID."


@pytest.mark.parametrize("transport", ["ws", "http"])
@pytest.mark.parametrize(
    ("client", "token", "text"),
    [
        ("no token", None, "Authentication is required, please pass an 'auth_token'."),
        ("junk token", "junk", "The 'auth_token' you sent is invalid."),
    ],
)
async def test_52_refused_tokens(transport, client, token, text):
    script = turns(recording("52"), f"syft.js 0.1.4 over {transport}, {client}")
    error, job = await converse(Replay(script), transport, "mnist3", token=token)
    assert isinstance(error, AuthenticationError)
    assert error.text == text
    assert error.status == (None if transport == "ws" else 400)
    assert job.step is Step.FAILED


async def test_52_a_good_token(caplog):
    caplog.set_level(logging.DEBUG, "syft_web")
    script = turns(recording("52"), "syft.js 0.1.4 over ws, good token")
    token = script[0].sent["auth_token"]
    replay = Replay(script, echo=True)
    outcome, job = await converse(replay, "ws", "mnist3", [report_of(script)], token)
    check_mnist(outcome, 2, 3, 0.1)
    assert replay.script == []
    assert token not in caplog.text + repr(job) + repr(outcome)


async def test_52_too_slow_is_rejected_until():
    script = turns(recording("52"), "syft.js 0.1.4 over ws, speed demanded, too slow")
    replay = Replay(script)
    outcome, _ = await converse(replay, "ws", "mnist4")
    assert isinstance(outcome, Rejected)
    assert outcome.timeout == pytest.approx(7 * 3600 + 59 * 60 + 57.943099)
    assert not outcome.finished
    assert all(speed > 0 for speed in replay.speeds.values())


async def test_52_a_speed_test_with_minimum_zero():
    script = turns(recording("52"), "syft.js 0.1.4 over ws, speed test with minimum 0")
    replay = Replay(script)
    outcome, _ = await converse(replay, "ws", "mnist5", [report_of(script)])
    check_mnist(outcome, 2, 3, 0.1)
    assert set(replay.speeds) == {"ping", "download", "upload"}


async def test_80_the_server_of_2020_09_14_over_http():
    script = turns(recording("80"), "syft.js 0.1.4 over http")
    replay = Replay(script)
    outcome, job = await converse(replay, "http", "mnist2", [report_of(script)])
    check_mnist(outcome, 2, 3, 0.1)
    assert job.step is Step.REPORTED
    assert replay.script == []


async def test_80_a_cycle_that_ends_before_the_plan_is_there():
    script = turns(recording("80"), "syft.js 0.1.4 over ws")
    error, job = await converse(Replay(script), "ws", "mnist2")
    assert isinstance(error, DownloadError)
    assert error.asset == "plan training_plan"
    assert "Cycle not found!" in str(error)
    assert "start the job again" in str(error)
    assert job.step is Step.FAILED


async def test_81_the_server_of_2020_09_26_fails_over_http():
    script = turns(recording("81"), "syft.js 0.1.4 over http")
    error, _ = await converse(Replay(script), "http", "mnist2")
    assert type(error) is GridRefusedError
    assert (error.status, error.text) == (500, "'request_id'")


async def test_81_a_dispatcher_failure_is_no_timeout():
    # The recorded client sent no request_id and waited ten seconds for nothing.
    script = turns(recording("81"), "syft.js 0.1.4 over ws")
    error, _ = await converse(Replay(script), "ws", "mnist2")
    assert type(error) is GridRefusedError
    assert error.text == "'request_id'"
    assert error.during == "cycle-request"


async def test_81_with_request_id_that_server_works():
    script = turns(recording("81"), "syft.js 0.1.4 over ws")[:1]
    script += turns(recording("50"), "syft.js 0.1.4 over ws, worker 1")[1:]
    worker = json.loads(script[0].answer)["data"]["worker_id"]
    for turn in script[1:]:
        turn.sent["worker_id"] = worker
    script[1].sent["model"] = "mnist2"
    replay = Replay(script, echo=True)
    outcome, _ = await converse(replay, "ws", "mnist2", [report_of(script)])
    check_mnist(outcome, 2, 3, 0.1)
    assert replay.script == []


# Every recorded reply


def expected_error(turn: Turn) -> bool:
    return b'"error"' in turn.answer


@pytest.mark.parametrize("name", recording_names())
def test_every_recorded_reply_is_understood(name):
    """No reply of the original server puzzles the client, whatever request it answered."""
    entries = recording(name)
    clients = {entry.get("client") for entry in entries}
    for client in clients:
        for turn in turns(entries, client):
            if turn.kind in ("authenticate", "cycle-request", "report") and (
                turn.transport == "ws" or turn.method == "POST"
            ):
                outcome = feed(turn)
                check_reply(turn, outcome)
            elif turn.kind in ("get-model", "get-plan") and turn.method == "GET":
                check_asset(turn)


def feed(turn: Turn) -> object:
    """What the state machine makes of a reply."""
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    if turn.kind != "authenticate":
        machine.receive({"status": "success", "worker_id": "w"})
    if turn.kind == "report":
        machine.receive(
            {
                "status": "accepted",
                "request_key": "k",
                "plans": {},
                "model_id": 1,
                "client_config": {},
            }
        )
        machine.receive_asset(blob("bin/js2007b_bandit_simple_model_params.pb"))
        machine.report(b"")
    try:
        if turn.transport == "ws":
            data = reply_data(read_frame(turn.answer.decode()).body, turn.kind)
        else:
            content_type = turn.headers.get("content-type", "").partition(";")[0]
            data = http_reply(turn.status or 0, content_type, turn.answer, turn.kind)
    except SyftError as error:
        return machine.fail(error)
    return machine.receive(data)


def check_reply(turn: Turn, outcome: object) -> None:
    if not isinstance(outcome, Failed):
        assert not expected_error(turn)
        return
    error = outcome.error
    if expected_error(turn):
        assert isinstance(error, GridRefusedError), repr(error)
        assert error.text
        assert "Traceback" not in str(error)
        assert "\n" not in str(error)
    else:
        # Only the pages of a web framework remain.
        assert isinstance(error, GridAnswerError), repr(error)
        assert turn.status == 500


def check_asset(turn: Turn) -> None:
    content_type = turn.headers.get("content-type", "").partition(";")[0]
    if turn.status != 200:
        with pytest.raises(GridRefusedError) as caught:
            check_download(turn.status or 0, content_type, turn.answer, turn.kind)
        assert caught.value.status == turn.status
        return
    check_download(200, content_type, turn.answer, turn.kind)
    if not turn.answer:
        return  # Some long bodies were not kept.
    if turn.kind == "get-model":
        assert Model.loads(turn.answer).params
    elif turn.sent.get("receive_operations_as") not in ("torchscript", "tfjs"):
        # What our client asks for. (The server's own translation to tfjs of a plan with
        # F.linear has dangling references.)
        assert Plan.loads(turn.answer).role.actions
