"""Jobs against a scripted grid on real sockets, over WebSocket and over HTTP."""

from __future__ import annotations

import asyncio
import base64
import logging

import numpy as np
import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from syft_web.client import Accepted, Options, Progress, Rejected, Retry, SpeedLimits, Step, Syft
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.errors import (
    AuthenticationError,
    DownloadError,
    GridAnswerError,
    GridClosedError,
    GridError,
    GridRefusedError,
    GridTimeoutError,
    GridUnreachableError,
    JobStateError,
    MessageError,
    SyftError,
)
from syft_web.host.base import Timeouts
from syft_web.plan.state import State
from tests.paths import DATA
from tests.unit.client.local_grid import (
    ACCEPTED,
    AUTHENTICATED,
    CONFIG,
    KEY,
    MODEL,
    PLAN,
    SUCCESS,
    HangUp,
    Late,
    Silence,
    Text,
    local_grid,
)
from tests.unit.host.raw import answer, raw_server, says, unused_port

TOKEN = "eyJ.secret.token"
QUICK = Retry(tries=3, first=0.01, max_seconds=5)
PATIENT = Options(
    answer_seconds=20,
    report_retry=QUICK,
    download_retry=QUICK,
    speed_limits=SpeedLimits(seconds=0.5, max_bytes=2**20),
)
IMPATIENT = Options(
    answer_seconds=0.3,
    timeouts=Timeouts(connect=1, idle=0.3),
    report_retry=QUICK,
    download_retry=QUICK,
    speed_limits=SpeedLimits(seconds=0.5, max_bytes=2**20),
)


@pytest.fixture
async def grid():
    async with local_grid() as grid:
        yield grid


@pytest.fixture(params=["ws", "http"])
async def syft(request, grid):
    async with Syft(getattr(grid, request.param), options=PATIENT) as syft:
        yield syft


@pytest.fixture
async def over_ws(grid):
    async with Syft(grid.ws, options=PATIENT) as syft:
        yield syft


@pytest.fixture(params=["ws", "http"])
async def impatient(request, grid):
    async with Syft(getattr(grid, request.param), options=IMPATIENT) as syft:
        yield syft


@pytest.fixture
async def impatient_ws(grid):
    async with Syft(grid.ws, options=IMPATIENT) as syft:
        yield syft


def listen(job):
    events = []
    for event in ("accepted", "rejected", "error"):
        job.on(event, lambda value, event=event: events.append((event, value)))
    return events


# The good way


async def test_a_whole_cycle(grid, syft):
    job = syft.new_job("m", "1.0.0")
    outcome = await job.request()
    assert isinstance(outcome, Accepted)
    assert job.step is Step.ACCEPTED
    assert job.worker_id == "worker-1"
    assert job.client_config == CONFIG
    assert set(job.plans) == {"training_plan", "second"}
    assert job.protocols == {}
    for got, expected in zip(job.model.params, MODEL.tensors, strict=True):
        np.testing.assert_array_equal(got, expected)

    diff = job.model.create_serialized_diff([param - 1 for param in job.model.params])
    await job.report(diff)
    assert job.step is Step.REPORTED
    (report,) = grid.sent("report")
    assert base64.b64decode(report["diff"]) == diff
    assert [t.tolist() for t in State.loads(diff).tensors] == [[[1, 1, 1]] * 2, [1, 1]]

    assert grid.steps() == [
        "authenticate", "cycle-request", "get-model", "get-plan", "get-plan", "report",
    ]  # fmt: skip
    controls = {t for t, step, _ in grid.seen if not step.startswith("get")}
    assert controls == {"ws" if syft.address.over_websocket else "http"}
    assert grid.connections == (1 if syft.address.over_websocket else 0)


async def test_events_as_in_syft_js(grid, syft):
    job = syft.new_job("m", "1.0.0", TOKEN)
    events = listen(job)
    await job.start()
    ((name, value),) = events
    assert name == "accepted"
    assert value.model is job.model
    assert value.client_config == CONFIG
    assert grid.sent("authenticate") == [
        {"model_name": "m", "model_version": "1.0.0", "auth_token": TOKEN}
    ]


async def test_async_handlers_are_awaited(syft):
    job = syft.new_job("m", "1.0.0")
    done = []

    async def handler(accepted):
        await asyncio.sleep(0.01)
        done.append(accepted)

    assert job.on("accepted", handler) is handler
    await job.start()
    assert len(done) == 1


async def test_a_handler_may_report(grid, syft):
    job = syft.new_job("m", "1.0.0")

    async def train(accepted):
        await job.report(accepted.model.create_serialized_diff(accepted.model.params))

    job.on("accepted", train)
    await job.start()
    assert grid.steps()[-1] == "report"


async def test_what_a_handler_raises_becomes_an_error_event(syft):
    job = syft.new_job("m", "1.0.0")
    events = listen(job)
    job.on("accepted", lambda _: 1 / 0)
    await job.start()
    assert [name for name, _ in events] == ["accepted", "error"]
    assert isinstance(events[1][1], ZeroDivisionError)


async def test_without_error_handler_errors_are_raised(grid, syft):
    grid.replies["authenticate"] = (
        {"error": "no"} if syft.address.over_websocket else JSONResponse({"error": "no"}, 400)
    )
    with pytest.raises(GridRefusedError):
        await syft.new_job("m", "1.0.0").start()


async def test_progress(grid, syft):
    grid.replies["get-plan"] = Response(PLAN, media_type="application/octet-stream")
    job = syft.new_job("m", "1.0.0")
    seen: list[Progress] = []
    job.on("progress", seen.append)
    await job.request()
    await job.report(b"diff")
    stages = list(dict.fromkeys((step.stage, step.asset) for step in seen))
    assert stages == [
        ("authenticate", ""),
        ("cycle-request", ""),
        ("download", "model"),
        ("download", "plan training_plan"),
        ("download", "plan second"),
        ("report", ""),
    ]
    last = [step for step in seen if step.asset == "plan second"][-1]
    assert (last.received, last.total) == (len(PLAN), len(PLAN))


async def test_speed_test_numbers_are_sent(grid, syft):
    grid.replies["authenticate"] = {**AUTHENTICATED, "requires_speed_test": True}
    grid.replies["speed-test"] = lambda data: (
        JSONResponse({})
        if "is_ping" in data or data["size"]
        else Response(b"x" * 2**20, media_type="multipart/form-data")
    )
    job = syft.new_job("m", "1.0.0")
    assert isinstance(await job.request(), Accepted)
    (request,) = grid.sent("cycle-request")
    assert request["ping"] > 0
    assert request["download"] > 0
    assert request["upload"] > 0
    for query in grid.sent("speed-test"):
        assert query["worker_id"] == "worker-1"


async def test_no_speed_test_unless_required(grid, syft):
    await syft.new_job("m", "1.0.0").request()
    assert "speed-test" not in grid.steps()
    (request,) = grid.sent("cycle-request")
    assert [request[key] for key in ("ping", "download", "upload")] == [0, 0, 0]


async def test_two_jobs_at_once(grid, syft):
    grid.replies["cycle-request"] = lambda data: (
        ACCEPTED if data["model"] == "a" else {"status": "rejected"}
    )
    a, b = syft.new_job("a", "1"), syft.new_job("b", "1")
    outcomes = await asyncio.gather(a.request(), b.request())
    assert isinstance(outcomes[0], Accepted)
    assert outcomes[1] == Rejected(None)
    assert grid.connections <= 1


async def test_older_servers_that_do_not_echo(grid, over_ws):
    grid.echo = False
    jobs = [over_ws.new_job("m", "1.0.0") for _ in range(3)]
    outcomes = await asyncio.gather(*(job.request() for job in jobs))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)


async def test_training_needs_a_plan(syft):
    job = syft.new_job("m", "1.0.0")
    with pytest.raises(JobStateError):
        job.train("training_plan")
    await job.request()
    with pytest.raises(JobStateError, match="no plan 'other'; it has 'training_plan', 'second'"):
        job.train("other", inputs=[], outputs=[], data=[])


@pytest.mark.parametrize("by_name", [True, False])
async def test_accepted_trained_reported(grid, syft, by_name):
    with np.load(DATA / "tr_logreg.npz") as arrays:
        x, y = arrays["in0"], arrays["in1"]
        lr = float(arrays["in3"].reshape(()))
        params = [arrays["in4"], arrays["in5"]]
        expected = [arrays["out2"], arrays["out3"]]
    plan = (DATA / "tr_logreg.pb").read_bytes()
    grid.replies["get-plan"] = Response(plan, media_type="application/octet-stream")
    grid.replies["get-model"] = Response(State.of(params).dumps())
    config = {"batch_size": len(x), "lr": lr, "max_updates": 1}
    grid.replies["cycle-request"] = {**ACCEPTED, "client_config": config}
    job = syft.new_job("m", "1.0.0")
    await job.request()
    trainer = job.train(
        "training_plan" if by_name else job.plans["training_plan"],
        inputs=[
            PlanInputSpec("data"),
            PlanInputSpec("target"),
            PlanInputSpec("batchSize"),
            PlanInputSpec("clientConfigParam", name="lr"),
            PlanInputSpec("modelParam", index=0),
            PlanInputSpec("modelParam", index=1),
        ],
        outputs=[
            PlanOutputSpec("loss"),
            PlanOutputSpec("metric", name="accuracy"),
            PlanOutputSpec("modelParam", index=0),
            PlanOutputSpec("modelParam", index=1),
        ],
        data=x,
        target=y,
    )
    await trainer.start()
    await job.report(job.model.create_serialized_diff_from_model(trainer.current_model))
    diff = State.loads(base64.b64decode(grid.sent("report")[0]["diff"])).tensors
    for got, before, after in zip(diff, params, expected, strict=True):
        np.testing.assert_allclose(got, before - after, rtol=1e-4, atol=1e-6)


# Rejections, and starting again


async def test_rejected_then_accepted(grid, syft):
    grid.replies["cycle-request"] = [
        {"status": "rejected", "timeout": "0:00:30.5"},
        ACCEPTED,
    ]
    workers = iter(["one", "two"])
    grid.replies["authenticate"] = lambda _: {**AUTHENTICATED, "worker_id": next(workers)}
    job = syft.new_job("m", "1.0.0")
    events = listen(job)
    await job.start()
    (name, value) = events[0]
    assert name == "rejected"
    assert value.timeout == 30.5
    assert job.worker_id == "one"
    with pytest.raises(JobStateError, match="no model"):
        _ = job.model
    await job.start()
    assert events[1][0] == "accepted"
    assert job.worker_id == "two"
    assert grid.sent("get-model")[0]["worker_id"] == "two"


async def test_a_new_start_forgets_the_last_cycle(grid, syft):
    job = syft.new_job("m", "1.0.0")
    await job.request()
    grid.replies["cycle-request"] = {"status": "rejected"}
    assert (await job.request()).finished
    with pytest.raises(JobStateError):
        await job.report(b"old")
    assert "report" not in grid.steps()


async def test_started_twice_at_once(syft):
    job = syft.new_job("m", "1.0.0")
    first = asyncio.ensure_future(job.request())
    await asyncio.sleep(0)
    with pytest.raises(JobStateError, match="once at a time"):
        await job.request()
    assert isinstance(await first, Accepted)


@pytest.mark.parametrize("step", ["authenticate", "cycle-request", "get-model"])
async def test_cancelled_anywhere_it_can_start_again(grid, syft, step):
    kept = grid.replies[step]
    grid.replies[step] = Silence
    job = syft.new_job("m", "1.0.0")
    task = asyncio.ensure_future(job.request())
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert job.step is Step.FAILED
    grid.replies[step] = kept
    assert isinstance(await job.request(), Accepted)


async def test_a_progress_handler_that_raises(syft):
    job = syft.new_job("m", "1.0.0")
    job.on("progress", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await job.request()
    assert job.step is Step.FAILED


# What goes wrong


async def failing(job, kind) -> SyftError:
    """The error of a start, which must come as an event and leave the job startable."""
    events = listen(job)
    await job.start()
    ((name, error),) = events
    assert name == "error"
    assert type(error) is kind, repr(error)
    assert job.step is Step.FAILED
    return error


def refused(syft, text, status=400):
    return {"error": text} if syft.address.over_websocket else JSONResponse({"error": text}, status)


async def test_a_token_that_is_wanted_or_wrong(grid, syft):
    text = "The 'auth_token' you sent is invalid."
    grid.replies["authenticate"] = refused(syft, text)
    error = await failing(syft.new_job("m", "1.0.0", TOKEN), AuthenticationError)
    assert error.text == text
    assert error.status == (None if syft.address.over_websocket else 400)
    assert TOKEN not in str(error)


async def test_an_unknown_model(grid, syft):
    text = "Not found any process related with this cycle and worker ID."
    grid.replies["authenticate"] = refused(syft, text, 401)
    error = await failing(syft.new_job("nothere", "1.0.0"), GridRefusedError)
    assert "Check the model's name and version" in str(error)


async def test_a_cycle_request_that_errs(grid, syft):
    grid.replies["cycle-request"] = {"status": "rejected", "error": "'ping' is required"}
    error = await failing(syft.new_job("m", "1.0.0"), GridRefusedError)
    assert error.during == "cycle-request"


@pytest.mark.parametrize("step", ["authenticate", "cycle-request"])
async def test_a_grid_that_never_answers(grid, impatient, step):
    grid.replies[step] = Silence
    job = impatient.new_job("m", "1.0.0")
    error = await failing(job, GridTimeoutError)
    assert error.during == step
    assert "within 0.3" in str(error)
    grid.replies[step] = {"authenticate": AUTHENTICATED, "cycle-request": ACCEPTED}[step]
    assert isinstance(await job.request(), Accepted)


async def test_a_grid_that_answers_too_late(grid, impatient_ws):
    grid.replies["authenticate"] = [Late(0.5, AUTHENTICATED), AUTHENTICATED]
    job = impatient_ws.new_job("m", "1.0.0")
    await failing(job, GridTimeoutError)
    assert isinstance(await job.request(), Accepted)


async def test_a_grid_that_answers_late_but_in_time(grid, syft):
    grid.replies["authenticate"] = Late(0.15, AUTHENTICATED)
    assert isinstance(await syft.new_job("m", "1.0.0").request(), Accepted)


@pytest.mark.parametrize("step", ["authenticate", "cycle-request"])
async def test_a_websocket_closed_in_the_middle(grid, over_ws, step):
    kept = grid.replies[step]
    grid.replies[step] = HangUp
    job = over_ws.new_job("m", "1.0.0")
    error = await failing(job, GridClosedError)
    assert error.during == step
    grid.replies[step] = kept
    assert isinstance(await job.request(), Accepted)


@pytest.mark.parametrize("text", ["<html>oops</html>", "", "{", "[1]", b"\x00\x01"])
async def test_frames_that_are_no_messages(grid, over_ws, text):
    grid.replies["cycle-request"] = Text(text)
    error = await failing(over_ws.new_job("m", "1.0.0"), GridAnswerError)
    assert error.during == "cycle-request"
    assert "asking to join a cycle" in str(error)


async def test_a_dispatcher_failure(grid, over_ws):
    grid.replies["authenticate"] = Text('{"error": "\'model-centric/authenticate\'"}')
    error = await failing(over_ws.new_job("m", "1.0.0"), GridRefusedError)
    assert error.text == "'model-centric/authenticate'"


async def test_a_reply_that_lacks_something(grid, syft):
    grid.replies["authenticate"] = {"status": "success"}
    error = await failing(syft.new_job("m", "1.0.0"), MessageError)
    assert error.key == "worker_id"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (HTMLResponse("<h1>Not found</h1>", 404), GridAnswerError),
        (HTMLResponse("<h1>hello</h1>", 200), GridAnswerError),
        (HTMLResponse("<h1>oops</h1>", 500), GridAnswerError),
        (HTMLResponse("<h1>bad gateway</h1>", 502), GridUnreachableError),
        (Response("{bad", media_type="application/json"), GridAnswerError),
        (Response(""), GridAnswerError),
        (RedirectResponse("https://elsewhere.example/"), GridAnswerError),
        (JSONResponse({"error": "'request_id'"}, 500), GridRefusedError),
    ],
)
async def test_http_answers_that_are_none(grid, reply, kind):
    grid.replies["authenticate"] = reply
    async with Syft(grid.http, options=PATIENT) as syft:
        error = await failing(syft.new_job("m", "1.0.0"), kind)
    assert isinstance(error, GridError)
    assert error.during == "authenticate"


@pytest.mark.parametrize(
    ("step", "reply", "words"),
    [
        ("get-model", JSONResponse({"error": "Model ID not found!"}, 400), "Model ID not found!"),
        ("get-plan", JSONResponse({"error": "Plan ID not found!"}, 400), "Plan ID not found!"),
        ("get-plan", JSONResponse({"error": "Cycle not found!"}, 400), "start the job again"),
        ("get-model", JSONResponse({"error": "Invalid request key!"}, 401), "start the job again"),
        ("get-model", HTMLResponse("<h1>x</h1>", 200), "Failed to load Model"),
        ("get-model", Response(b"AAAAA"), "Failed to load Model"),
        ("get-plan", Response(b"AAAAA"), "Failed to load 'training_plan' Plan"),
        ("get-plan", Response(PLAN[: len(PLAN) // 2]), "Failed to load 'training_plan' Plan"),
        ("get-model", Response(b""), "no parameters"),
    ],
)
async def test_downloads_that_go_wrong(grid, syft, step, reply, words):
    grid.replies[step] = reply
    error = await failing(syft.new_job("m", "1.0.0"), DownloadError)
    assert words in str(error)
    assert error.asset == ("model" if step == "get-model" else "plan training_plan")


async def test_a_silent_download(grid, impatient_ws):
    grid.replies["get-plan"] = Silence
    error = await failing(impatient_ws.new_job("m", "1.0.0"), GridTimeoutError)
    assert "'training_plan' Plan" in str(error)


async def test_a_download_closed_in_the_middle_is_begun_again(grid, over_ws):
    body = MODEL.dumps()

    async def app(scope, receive, send):
        # Promises more than it sends, as a server does that dies.
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body[:10]})

    class Cut(Response):
        async def __call__(self, scope, receive, send):
            await app(scope, receive, send)

    grid.replies["get-model"] = [Cut(), Response(body)]
    job = over_ws.new_job("m", "1.0.0")
    assert isinstance(await job.request(), Accepted)
    assert grid.steps().count("get-model") == 2

    grid.replies["get-model"] = Cut()
    error = await failing(job, GridClosedError)
    assert "Failed to load Model" in str(error)
    assert error.during == "get-model"
    assert grid.steps().count("get-model") == 5
    assert KEY not in str(error)


async def test_unreachable():
    port = await unused_port()
    for scheme in ("ws", "http"):
        async with Syft(f"{scheme}://127.0.0.1:{port}", options=PATIENT) as syft:
            error = await failing(syft.new_job("m", "1.0.0"), GridUnreachableError)
            assert "signing in at the grid" in str(error)


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [
        (says(b"HTTP/1.1 101 Switching"), GridUnreachableError),
        (says(hold=60), GridTimeoutError),
        (says(answer("404 Not Found", b"<html>", "text/html")), GridAnswerError),
    ],
)
async def test_handshakes_that_come_to_nothing(conversation, kind):
    async with (
        raw_server(conversation) as place,
        Syft(f"ws://{place}", options=IMPATIENT) as syft,
    ):
        error = await failing(syft.new_job("m", "1.0.0"), kind)
    assert error.during == "authenticate"


# Reports


async def reporting(syft):
    job = syft.new_job("m", "1.0.0")
    await job.request()
    return job


async def test_a_report_is_repeated_until_it_gets_through(grid, impatient_ws):
    job = await reporting(impatient_ws)
    grid.replies["report"] = [HangUp, Silence, SUCCESS]
    await job.report(b"diff")
    assert len(grid.sent("report")) >= 3
    assert all(report == grid.sent("report")[0] for report in grid.sent("report"))


async def test_a_report_gives_up_in_the_end_and_may_be_made_again(grid, over_ws):
    job = await reporting(over_ws)
    grid.replies["report"] = HangUp
    with pytest.raises(GridClosedError) as caught:
        await job.report(b"diff")
    assert caught.value.during == "report"
    assert job.step is Step.ACCEPTED
    grid.replies["report"] = SUCCESS
    await job.report(b"diff")
    assert job.step is Step.REPORTED


async def test_a_refused_report_is_not_repeated(grid, syft):
    job = await reporting(syft)
    grid.replies["report"] = refused(syft, "Incorrect padding", 200)
    with pytest.raises(GridRefusedError, match="Incorrect padding"):
        await job.report(b"diff")
    assert grid.steps().count("report") == 1


async def test_a_report_through_a_busy_proxy(grid):
    async with Syft(grid.http, options=PATIENT) as syft:
        job = await reporting(syft)
        grid.replies["report"] = [HTMLResponse("later", 503), JSONResponse(SUCCESS)]
        await job.report(b"diff")
    assert grid.steps().count("report") == 2


async def test_a_report_before_acceptance(syft):
    with pytest.raises(JobStateError):
        await syft.new_job("m", "1.0.0").report(b"")


async def test_the_socket_may_idle_away_during_training(grid, over_ws):
    job = await reporting(over_ws)
    # The grid closes both the idle connection and the one opened in its place.
    grid.replies["authenticate"] = HangUp
    with pytest.raises(GridClosedError):
        await over_ws.new_job("other").request()
    assert grid.connections == 2
    await job.report(b"diff")
    assert grid.connections == 3
    assert grid.steps().count("report") == 1


async def test_a_large_diff(grid, syft):
    job = await reporting(syft)
    diff = bytes(range(256)) * 20_000
    await job.report(diff)
    assert base64.b64decode(grid.sent("report")[0]["diff"]) == diff


# Secrets, names, odds and ends


async def test_nothing_secret_is_logged_or_shown(grid, syft, caplog):
    # Of every library on the client's side, at its most talkative.
    for name in ("syft_web", "httpx", "httpcore", "websockets.client", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    job = syft.new_job("m", "1.0.0", TOKEN)
    await job.request()
    grid.replies["report"] = [refused(syft, f"odd {KEY} {TOKEN}")]
    with pytest.raises(GridRefusedError) as caught:
        await job.report(b"diff")
    assert "get-model" in caplog.text
    shown = caplog.text + repr(job) + repr(syft) + str(caught.value) + repr(job._protocol)
    assert KEY not in shown
    assert TOKEN not in shown


async def test_an_event_that_does_not_exist(syft):
    with pytest.raises(ValueError, match="no event 'done'"):
        syft.new_job("m").on("done", print)


async def test_repr(syft):
    assert repr(syft.new_job("m")) == "<Job 'm' newest: idle>"
