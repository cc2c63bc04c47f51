"""`Syft` and `Job` inside Pyodide: whole cycles against a grid, and everything that goes wrong.

The plan is PySyft's own recording of a training step, so that what five of them must give is
known from PyTorch. Each test runs in a page and in a module worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response

from syft_web.author.hosting import host_training
from syft_web.errors import (
    AuthenticationError,
    DownloadError,
    GridAnswerError,
    GridClosedError,
    GridRefusedError,
    GridTimeoutError,
    GridUnreachableError,
    JobStateError,
    MessageError,
    SyftError,
)
from syft_web.grid import Server
from syft_web.plan.state import State
from tests.browser.conftest import Problems
from tests.browser.python_page import PLACES, PythonPage, open_python, without_network
from tests.paths import DATA
from tests.unit.client.local_grid import (
    ACCEPTED,
    AUTHENTICATED,
    MODEL,
    SUCCESS,
    HangUp,
    LocalGrid,
    Silence,
    Text,
    local_grid,
    serving,
)
from tests.unit.host.breaking import breaking
from tests.unit.host.raw import answer, raw_server, says, unused_port

PLAN = (DATA / "tr_mlp.pb").read_bytes()
PROTOCOL = (DATA / "protocol_two_roles.pb").read_bytes()
KNOWN = dict(np.load(DATA / "tr_mlp.npz"))
"""Inputs of the plan, and what PyTorch made of them: ``in0`` ... and ``step5_...``."""

SCHEMES = ("ws", "http")
CORS = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n"
JSON_CUT = Response('{"worker_id"', media_type="application/json")

PRELUDE = """
import asyncio
import numpy as np
from syft_web import PlanInputSpec, PlanOutputSpec, Syft
from syft_web.client import Options, Retry, SpeedLimits
from syft_web.host.base import Timeouts
from syft_web.plan import Protocol

kept = {}  # For the next piece of a test.

# A job that has little patience with a grid; enough of it for one on the same machine.
hasty = Options(
    answer_seconds=2,
    timeouts=Timeouts(connect=2, idle=2),
    report_retry=Retry(tries=3, first=0.01),
    download_retry=Retry(tries=2, first=0.01),
    speed_limits=SpeedLimits(seconds=2, max_bytes=2**20),
)

inputs = [
    PlanInputSpec(PlanInputSpec.TYPE_DATA, index=0),
    PlanInputSpec(PlanInputSpec.TYPE_DATA, index=1),
    PlanInputSpec(PlanInputSpec.TYPE_BATCH_SIZE),
    PlanInputSpec(PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM, "lr"),
    *[PlanInputSpec(PlanInputSpec.TYPE_MODEL_PARAM, index=i) for i in range(4)],
]
outputs = [
    PlanOutputSpec(PlanOutputSpec.TYPE_LOSS),
    PlanOutputSpec(PlanOutputSpec.TYPE_METRIC, "accuracy"),
    *[PlanOutputSpec(PlanOutputSpec.TYPE_MODEL_PARAM, index=i) for i in range(4)],
]

async def train_and_report(job, x, y):
    x, y = np.float32(x), np.float32(y)
    trainer = job.train("training_plan", inputs=inputs, outputs=outputs, data=[(x, y)], epochs=5)
    losses = []
    trainer.on("batchEnd", lambda event: losses.append(float(event.loss)))
    await trainer.start()
    await job.report(job.model.create_serialized_diff_from_model(trainer.current_model))
    return losses

def listen(job):
    heard = []
    job.on("accepted", lambda _: heard.append(["accepted"]))
    job.on("rejected", lambda rejected: heard.append(["rejected", rejected.finished]))
    job.on("error", lambda error: heard.append(
        ["error", type(error).__name__, getattr(error, "during", ""), str(error)]))
    return heard
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=PLACES)
async def booted(
    browser: Browser, site_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[PythonPage]:
    async with open_python(browser, site_url, request.param, PRELUDE) as python:
        yield python


@pytest.fixture
def python(booted: PythonPage, problems: Problems) -> PythonPage:
    """Python in a page or worker; what it leaves unhandled fails the test."""
    problems.watch(booted.page)
    yield booted
    problems[:] = without_network(problems)


# Whole cycles, with the grid of this project


async def host(grid: Server, **server_config: Any) -> None:
    """Host the plan with its known model; a cycle ends with every report."""
    await host_training(
        url_of(grid, "ws"),
        "mlp",
        "1.0",
        model=[KNOWN[f"in{i}"] for i in range(4, 8)],
        plans={"training_plan": PLAN},
        client_config={"batch_size": 5, "lr": float(KNOWN["in3"][0])},
        server_config={"cycle_length": 600, "max_diffs": 1, "num_cycles": 1, **server_config},
        protocols={"exchange": PROTOCOL},
    )


def url_of(grid: Server, scheme: str) -> str:
    return {"ws": grid.ws_url, "http": grid.url}[scheme]


def batch() -> dict[str, Any]:
    return {"x": KNOWN["in0"].tolist(), "y": KNOWN["in1"].tolist()}


async def checkpoint(grid: Server, number: int) -> list[np.ndarray]:
    """Parameters that the grid keeps after a cycle; waits until it has averaged them."""
    query = {"name": "mlp", "version": "1.0", "checkpoint": str(number)}
    async with httpx.AsyncClient() as client, asyncio.timeout(30):
        while True:
            reply = await client.get(f"{grid.url}/model-centric/retrieve-model", params=query)
            if reply.status_code == httpx.codes.OK:
                return State.loads(reply.content).tensors
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_cycle_gives_what_torch_gave(python, grid, scheme):
    await host(grid)
    told, losses, step = await python.run(
        """
        async with Syft(url) as syft:
            job = syft.new_job("mlp", "1.0")
            accepted = await job.request()
            told = {
                "version": accepted.version,
                "shapes": [list(param.shape) for param in job.model.params],
                "plans": list(job.plans),
                "protocol": len(Protocol.loads(job.protocols["exchange"]).roles),
                "config": job.client_config,
            }
            losses = await train_and_report(job, x, y)
        [told, losses, job.step.value]
        """,
        url=url_of(grid, scheme),
        **batch(),
    )
    assert told.pop("config").items() >= {"batch_size": 5, "name": "mlp"}.items()
    assert told == {
        "version": "1.0",
        "shapes": [[7, 6], [7], [4, 7], [4]],
        "plans": ["training_plan"],
        "protocol": 2,
    }
    np.testing.assert_allclose(losses, KNOWN["step5_losses"], rtol=1e-5)
    assert step == "reported"
    for i, param in enumerate(await checkpoint(grid, 2)):
        np.testing.assert_allclose(param, KNOWN[f"step5_param{i}"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_one_job_cycle_after_cycle_until_the_training_is_over(python, grid, scheme):
    await host(grid, num_cycles=2)
    heard, workers, losses, second = await python.run(
        """
        async with Syft(url) as syft:
            job = syft.new_job("mlp", "1.0")
            heard, workers, losses = listen(job), [], []

            async def take_part(accepted):
                workers.append(job.worker_id)
                kept["params"] = [param.ravel().tolist() for param in accepted.model.params]
                losses.extend(await train_and_report(job, x, y))

            job.on("accepted", take_part)
            while not heard or heard[-1] in (["accepted"], ["rejected", False]):
                await job.start()
                # The grid may still be averaging; it would like a worker to wait much longer.
                await asyncio.sleep(0.05)
        [[each for each in heard if each != ["rejected", False]], workers, losses, kept["params"]]
        """,
        url=url_of(grid, scheme),
        **batch(),
    )
    assert heard == [["accepted"], ["accepted"], ["rejected", True]]
    assert len(set(workers)) == 2
    assert sorted(losses, reverse=True) == losses
    for i, param in enumerate(await checkpoint(grid, 2)):
        assert param.ravel().tolist() == second[i]


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_two_jobs_at_once(python, grid, scheme):
    await host(grid, max_diffs=2)
    workers = await python.run(
        """
        async with Syft(url) as syft:
            jobs = [syft.new_job("mlp", "1.0") for _ in range(2)]
            await asyncio.gather(*(job.request() for job in jobs))
            await asyncio.gather(*(train_and_report(job, x, y) for job in jobs))
        [job.worker_id for job in jobs]
        """,
        url=url_of(grid, scheme),
        **batch(),
    )
    assert len(set(workers)) == 2
    for i, param in enumerate(await checkpoint(grid, 2)):
        np.testing.assert_allclose(param, KNOWN[f"step5_param{i}"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_connection_is_measured_when_the_grid_asks(python, grid, scheme):
    await host(grid, minimum_upload_speed=0.001, minimum_download_speed=0.001)
    stages, outcome = await python.run(
        """
        async with Syft(url, options=hasty) as syft:
            job = syft.new_job("mlp", "1.0")
            stages = []
            job.on("progress", lambda progress: stages.append(progress.stage))
            outcome = await job.request()
        [list(dict.fromkeys(stages)), type(outcome).__name__]
        """,
        url=url_of(grid, scheme),
    )
    assert stages == ["authenticate", "speed-test", "cycle-request", "download"]
    assert outcome == "Accepted"


async def test_downloads_tell_how_far_they_are(python, grid):
    await host(grid)
    steps = await python.run(
        """
        async with Syft(url) as syft:
            job = syft.new_job("mlp", "1.0")
            steps = []
            job.on("progress", steps.append)
            await job.request()
        [[step.asset, step.received, step.total] for step in steps if step.stage == "download"]
        """,
        url=grid.ws_url,
    )
    ends = {asset: (received, total) for asset, received, total in steps}
    assert list(ends) == ["model", "plan training_plan", "protocol exchange"]
    assert all(0 < received == total for received, total in ends.values())
    assert ends["protocol exchange"] == (len(PROTOCOL), len(PROTOCOL))
    assert ["model", 0, ends["model"][1]] in steps


# Failures: one typed error, and the same job joins once the grid is well


async def fails(python: PythonPage, url: str, kind: type[SyftError], during: str = "") -> str:
    """Start a job that must emit this error and nothing else; gives the error's text."""
    heard, step = await python.run(
        """
        kept["syft"] = Syft(url, options=hasty)
        kept["job"] = job = kept["syft"].new_job("mlp", "1.0")
        kept["heard"] = heard = listen(job)
        await job.start()
        [heard, job.step.value]
        """,
        url=url,
    )
    assert [each[:2] for each in heard] == [["error", kind.__name__]], heard
    assert step == "failed"
    _, _, found, text = heard[0]
    assert found == during
    return str(text)


async def joins(python: PythonPage) -> None:
    """Start the job of `fails` again, which now must be accepted."""
    heard = await python.run(
        """
        heard = kept["heard"]
        heard.clear()
        await kept["job"].start()
        await kept["syft"].close()
        kept.clear()
        heard
        """
    )
    assert heard == [["accepted"]]


@asynccontextmanager
async def grid_at(place: str) -> AsyncIterator[None]:
    """A grid that hosts the model, at an address where something else has been."""
    with Server(port=int(place.rpartition(":")[2])) as server:
        await host(server)
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def scripted() -> AsyncIterator[LocalGrid]:
    """A grid that answers what a test tells it to, to pages of any origin."""
    grid = LocalGrid()
    app = CORSMiddleware(grid.app(), allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    async with serving(app) as grid.place:
        yield grid


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_an_unreachable_grid(python, scheme):
    place = f"127.0.0.1:{await unused_port()}"
    text = await fails(python, f"{scheme}://{place}", GridUnreachableError, "authenticate")
    assert "Check the address" in text
    async with grid_at(place):
        await joins(python)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_an_unknown_model(python, grid, scheme):
    text = await fails(python, url_of(grid, scheme), GridRefusedError, "authenticate")
    assert "Check the model's name and version" in text
    await host(grid)
    await joins(python)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_server_that_hangs_up(python, scheme):
    async with raw_server(says()) as place:
        await fails(python, f"{scheme}://{place}", GridUnreachableError, "authenticate")
    async with grid_at(place):
        await joins(python)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_server_that_never_answers(python, scheme):
    async with raw_server(says(hold=60)) as place:
        await fails(python, f"{scheme}://{place}", GridTimeoutError, "authenticate")
    async with grid_at(place):
        await joins(python)


@pytest.mark.parametrize(
    ("scheme", "kind"), [("ws", GridUnreachableError), ("http", GridAnswerError)]
)
async def test_a_server_that_answers_with_a_page(python, scheme, kind):
    """A browser does not tell what answered the handshake of a WebSocket."""
    html = answer(body=b"<!doctype html><title>Hello</title>", content_type="text/html", extra=CORS)
    async with raw_server(says(html)) as place:
        text = await fails(python, f"{scheme}://{place}", kind, "authenticate")
        assert "Check" in text
    async with grid_at(place):
        await joins(python)


async def test_a_grid_that_allows_no_other_origin(python):
    async with local_grid() as grid:
        text = await fails(python, grid.http, GridUnreachableError, "authenticate")
    assert "CORS" in text


STEPS = {"authenticate": AUTHENTICATED, "cycle-request": ACCEPTED}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_an_answer_that_is_no_json(python, scripted, scheme, step):
    bad = Text('{"worker_id"') if scheme == "ws" else JSON_CUT
    scripted.replies[step] = [bad, STEPS[step]]
    text = await fails(python, getattr(scripted, scheme), GridAnswerError, step)
    assert "not JSON" in text
    await joins(python)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_an_answer_that_lacks_something(python, scripted, scheme, step):
    scripted.replies[step] = [{"status": "accepted"}, STEPS[step]]
    await fails(python, getattr(scripted, scheme), MessageError)
    await joins(python)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_grid_that_falls_silent(python, scripted, scheme):
    scripted.replies["cycle-request"] = [Silence, ACCEPTED]
    await fails(python, getattr(scripted, scheme), GridTimeoutError, "cycle-request")
    await joins(python)


@pytest.mark.parametrize("step", STEPS)
async def test_the_websocket_is_closed_instead_of_an_answer(python, scripted, step):
    scripted.replies[step] = [HangUp, STEPS[step]]
    await fails(python, scripted.ws, GridClosedError, step)
    await joins(python)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_grid_that_wants_a_token(python, scripted, scheme):
    refusal = {"error": "Authentication is required, please pass an 'auth_token'."}
    scripted.replies["authenticate"] = [refusal, AUTHENTICATED]
    await fails(python, getattr(scripted, scheme), AuthenticationError, "authenticate")
    await joins(python)


ASSETS = {"get-model": MODEL.dumps(), "get-plan": PLAN}


def cut(body: bytes) -> Response:
    """The first half of an answer, then the connection ends."""
    return Response(body[: len(body) // 2], headers={"content-length": str(len(body))})


@pytest.mark.parametrize("step", ASSETS)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_connection_that_ends_during_a_download(python, scripted, scheme, step):
    whole = Response(ASSETS[step])
    scripted.replies[step] = [cut(ASSETS[step]), cut(ASSETS[step]), whole]
    text = await fails(python, getattr(scripted, scheme), GridClosedError, step)
    assert "Failed to load" in text
    assert scripted.steps().count(step) == 2, "it is tried again first"
    await joins(python)


@pytest.mark.parametrize("step", ASSETS)
async def test_a_download_that_breaks_off_once_is_begun_again(python, scripted, step):
    scripted.replies[step] = [cut(ASSETS[step]), Response(ASSETS[step])]
    outcome = await python.run(
        """
        async with Syft(url, options=hasty) as syft:
            outcome = await syft.new_job("mlp", "1.0").request()
        type(outcome).__name__
        """,
        url=scripted.ws,
    )
    assert outcome == "Accepted"


async def test_a_download_goes_on_where_it_broke(python, grid):
    weights = np.random.default_rng(0).normal(size=(400, 250)).astype(np.float32)
    await host_training(grid.url, "large", "1", [weights], {"p": PLAN}, {}, {"cycle_length": None})
    async with breaking(grid.url.removeprefix("http://")) as proxy:
        proxy.breaks = [("get-model", 300_000), ("get-model", 60_000)]
        proxy.waits = True
        sums = await python.run(
            """
            def when_received(progress):
                if progress.asset == "model" and progress.received in (300_000, 360_000):
                    asyncio.ensure_future(syft._host.fetch("GET", f"http://{place}/break"))

            async with Syft(f"ws://{place}") as syft:
                job = syft.new_job("large", "1")
                job.on("progress", when_received)
                await job.request()
            [int(job.model.params[0].view("u4").sum(dtype="u8")), list(job.plans)]
            """,
            place=proxy.place,
        )
    assert proxy.breaks == []
    assert sums == [int(weights.view("u4").sum(dtype="u8")), ["p"]]
    models = [head for head in proxy.asked if "get-model" in head]
    starts = [head.partition("range: bytes=")[2].partition("-")[0] for head in models]
    assert starts == ["", "300000", "360000"]


IN_ITS_PLACE = {
    "refused": lambda: JSONResponse({"error": "Cycle not found!"}, 400),
    "a page": lambda: HTMLResponse("<title>Hello</title>"),
    "nonsense": lambda: Response(b"\xff" * 40),
}


@pytest.mark.parametrize("step", ASSETS)
@pytest.mark.parametrize("reply", IN_ITS_PLACE.values(), ids=list(IN_ITS_PLACE))
async def test_a_download_that_is_something_else(python, scripted, step, reply):
    scripted.replies[step] = [reply(), Response(ASSETS[step])]
    text = await fails(python, scripted.ws, DownloadError)
    assert "Failed to load" in text
    await joins(python)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_waiting_can_be_left_off(python, scripted, scheme):
    scripted.replies["authenticate"] = [Silence, AUTHENTICATED]
    cancelled, step, outcome = await python.run(
        """
        async with Syft(url) as syft:
            job = syft.new_job("mlp", "1.0")
            begun = asyncio.Event()
            job.on("progress", lambda _: begun.set())
            task = asyncio.ensure_future(job.request())
            await begun.wait()
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.wait([task])
            step = job.step.value
            outcome = await job.request()
        [task.cancelled(), step, type(outcome).__name__]
        """,
        url=getattr(scripted, scheme),
    )
    assert cancelled
    assert (step, outcome) == ("failed", "Accepted")


# Reports


REPORT = """
async with Syft(url, options=hasty) as syft:
    job = syft.new_job("mlp", "1.0")
    await job.request()
    await job.report(b"diff")
job.step.value
"""


async def test_a_report_whose_fate_is_unknown_is_sent_again(python, scripted):
    scripted.replies["report"] = [HangUp, SUCCESS]
    assert await python.run(REPORT, url=scripted.ws) == "reported"
    first, second = scripted.sent("report")
    assert first == second


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_report_that_is_refused(python, scripted, scheme):
    scripted.replies["report"] = {"error": "Cycle not found!"}
    with pytest.raises(GridRefusedError, match="Cycle not found"):
        await python.run(REPORT, url=getattr(scripted, scheme))
    assert len(scripted.sent("report")) == 1


async def test_a_report_before_the_cycle(python, scripted):
    with pytest.raises(JobStateError):
        await python.run("await Syft(url).new_job('mlp').report(b'diff')", url=scripted.ws)
    assert scripted.seen == []
