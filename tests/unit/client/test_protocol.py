"""The state machine, driven step by step without any socket."""

from __future__ import annotations

import json

import numpy as np
import pytest

from syft_web.client.protocol import JobProtocol
from syft_web.client.steps import (
    Accepted,
    Ask,
    Failed,
    Fetch,
    Measure,
    Rejected,
    Reported,
    Speed,
    Step,
)
from syft_web.errors import (
    AuthenticationError,
    DownloadError,
    GridAnswerError,
    GridClosedError,
    GridRefusedError,
    GridTimeoutError,
    JobStateError,
    MessageError,
    SyftError,
)
from tests.unit.client.local_grid import ACCEPTED, AUTHENTICATED, CONFIG, KEY, MODEL, PLAN, SUCCESS

TOKEN = "header.payload.signature"


def asking_for_cycle(**options) -> JobProtocol:
    machine = JobProtocol("m", "1.0.0", **options)
    machine.start()
    machine.receive(AUTHENTICATED)
    return machine


def downloading(reply=ACCEPTED) -> tuple[JobProtocol, Fetch]:
    machine = asking_for_cycle()
    fetch = machine.receive(reply)
    assert isinstance(fetch, Fetch)
    return machine, fetch


def accepted() -> JobProtocol:
    machine, _ = downloading()
    machine.receive_asset(MODEL.dumps())
    machine.receive_asset(PLAN)
    assert isinstance(machine.receive_asset(PLAN), Accepted)
    return machine


def failure(outcome) -> SyftError:
    assert isinstance(outcome, Failed)
    return outcome.error


def test_the_whole_way_without_speed_test():
    machine = JobProtocol("m", "1.0.0")
    assert machine.step is Step.IDLE

    ask = machine.start()
    assert machine.step is Step.AUTHENTICATING
    assert (ask.type, ask.during) == ("model-centric/authenticate", "authenticate")
    assert ask.data == {"model_name": "m", "model_version": "1.0.0"}

    ask = machine.receive(AUTHENTICATED)
    assert machine.step is Step.REQUESTING
    assert machine.worker_id == "worker-1"
    assert isinstance(ask, Ask)
    assert ask.type == "model-centric/cycle-request"
    assert ask.data == {
        "worker_id": "worker-1",
        "model": "m",
        "version": "1.0.0",
        "ping": 0,
        "download": 0,
        "upload": 0,
    }
    assert json.dumps(ask.data["ping"]) == "0"

    fetch = machine.receive(ACCEPTED)
    assert machine.step is Step.DOWNLOADING
    keys = {"worker_id": "worker-1", "request_key": KEY}
    assert fetch == Fetch(
        "get-model", "model", "", "/model-centric/get-model", {**keys, "model_id": 1}
    )
    fetch = machine.receive_asset(MODEL.dumps())
    assert fetch == Fetch(
        "get-plan",
        "plan training_plan",
        "training_plan",
        "/model-centric/get-plan",
        {**keys, "plan_id": 2, "receive_operations_as": "list"},
    )
    fetch = machine.receive_asset(PLAN)
    assert fetch.name == "second"
    outcome = machine.receive_asset(PLAN)
    assert machine.step is Step.ACCEPTED
    assert isinstance(outcome, Accepted)
    assert outcome.client_config == CONFIG
    assert outcome.version == "1.0.0"
    assert list(outcome.plans) == ["training_plan", "second"]
    assert outcome.protocols == {}
    for got, expected in zip(outcome.model.params, MODEL.tensors, strict=True):
        np.testing.assert_array_equal(got, expected)

    ask = machine.report(b"diff bytes")
    assert machine.step is Step.REPORTING
    assert ask.data == {
        "worker_id": "worker-1",
        "request_key": KEY,
        "diff": b"diff bytes",
    }
    assert machine.receive(SUCCESS) == Reported()
    assert machine.step is Step.REPORTED


def test_a_token_is_sent_and_never_shown():
    machine = JobProtocol("m", None, TOKEN)
    ask = machine.start()
    assert ask.data == {"model_name": "m", "auth_token": TOKEN}
    assert TOKEN not in repr(machine) + repr(ask)


def test_without_version_none_is_sent():
    machine = JobProtocol("m")
    machine.start()
    ask = machine.receive(AUTHENTICATED)
    assert isinstance(ask, Ask)
    assert "version" not in ask.data


def test_speed_test_when_required():
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    step = machine.receive({**AUTHENTICATED, "requires_speed_test": True})
    assert step == Measure("worker-1")
    assert machine.step is Step.MEASURING
    ask = machine.receive_speed(Speed(8.5, 900.5, 500.25))
    assert ask.data["ping"] == 8.5
    assert ask.data["download"] == 900.5
    assert ask.data["upload"] == 500.25


def test_a_failed_speed_test_ends_the_start():
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    machine.receive({**AUTHENTICATED, "requires_speed_test": True})
    error = GridClosedError("gone", during="speed-test")
    assert failure(machine.fail(error)) is error
    assert machine.step is Step.FAILED


def test_servers_of_july_2020_do_not_speak_of_speed_tests():
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    assert isinstance(machine.receive({"status": "success", "worker_id": "abc"}), Ask)


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (100500, 100500),
        (10.5, 10.5),
        ("7:59:57.943099", 28797.943099),
        ("3 days, 0:00:04.972930", 259204.97293),
        ("-1 day, 23:59:59.97", 1),
        (0, 1),
        (-5, 1),
    ],
)
def test_rejected_until(timeout, seconds):
    outcome = asking_for_cycle().receive({"status": "rejected", "timeout": timeout})
    assert isinstance(outcome, Rejected)
    assert outcome.timeout == pytest.approx(seconds)
    assert not outcome.finished


@pytest.mark.parametrize("reply", [{"status": "rejected"}, {"status": "rejected", "timeout": None}])
def test_rejected_for_good(reply):
    machine = asking_for_cycle()
    outcome = machine.receive(reply)
    assert outcome == Rejected(None)
    assert machine.step is Step.REJECTED
    assert outcome.finished
    assert "finished" in str(outcome)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second."), (59.4, "59 seconds."), (61, "2 min."), (3600, "1 h."), (28797.9, "8 h.")],
)
def test_a_rejection_in_words(seconds, words):
    assert str(Rejected(seconds)).endswith(f"try again in {words}")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"timeout": 5, "reason": "cycle_full"}, "Not this time: all places of the cycle are ta"),
        ({"timeout": 5, "reason": "moon_is_full"}, "Not this time: moon_is_full. The grid asks"),
        ({"reason": "failed"}, "Training of this model has ended: a cycle had too few reports."),
        ({"reason": "finished"}, "Training of this model has finished"),
    ],
)
def test_a_rejection_says_why(reply, words):
    outcome = asking_for_cycle().receive({"status": "rejected", **reply})
    assert outcome.reason == reply["reason"]
    assert str(outcome).startswith(words)


def test_a_late_report_says_so(caplog):
    machine = accepted()
    machine.report(b"diff bytes")
    assert machine.receive({"status": "success", "reason": "late"}) == Reported("late")
    assert machine.step is Step.REPORTED
    assert "does not count: the cycle was over" in caplog.text


def test_rejected_by_error_is_an_error():
    machine = asking_for_cycle()
    error = failure(
        machine.receive({"status": "rejected", "error": "'ping' is required\nTraceback ..."})
    )
    assert isinstance(error, GridRefusedError)
    assert error.text == "'ping' is required"
    assert error.during == "cycle-request"


@pytest.mark.parametrize(
    "text",
    [
        "Authentication is required, please pass an 'auth_token'.",
        "The 'auth_token' you sent is invalid.",
        "The 'auth_token' you sent did not pass 3rd party validation.",
    ],
)
def test_refused_tokens(text):
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    error = failure(machine.receive({"error": text}))
    assert isinstance(error, AuthenticationError)
    assert error.text == text
    assert text in str(error)
    assert machine.step is Step.FAILED


def test_an_unknown_model():
    machine = JobProtocol("nothere", "1.0.0")
    machine.start()
    text = "Not found any process related with this cycle and worker ID."
    error = failure(
        machine.receive({"error": text + "\nTraceback (most recent call last):\n  File secret"})
    )
    assert type(error) is GridRefusedError
    assert "Check the model's name and version" in str(error)
    assert "Traceback" not in str(error)


def test_an_error_beside_success_counts():
    machine = JobProtocol("m", "")
    machine.start()
    error = failure(machine.receive({**AUTHENTICATED, "error": "no process"}))
    assert isinstance(error, GridRefusedError)


def test_a_server_that_echoes_secrets_is_censored():
    machine = JobProtocol("m", "1.0.0", TOKEN)
    machine.start()
    error = failure(machine.receive({"error": f"bad auth_token {TOKEN}"}))
    assert isinstance(error, AuthenticationError)
    assert TOKEN not in str(error) + error.text + repr(error)

    machine = accepted()
    machine.report(b"")
    error = failure(machine.receive({"error": f"unknown key {KEY}"}))
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("reply", "key"),
    [
        ({"status": "success"}, "worker_id"),
        ({"status": "success", "worker_id": 5}, "worker_id"),
        ({"status": "odd", "worker_id": "a"}, "status"),
        ({**AUTHENTICATED, "requires_speed_test": "yes"}, "requires_speed_test"),
    ],
)
def test_mistyped_authenticate_replies(reply, key):
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    error = failure(machine.receive(reply))
    assert isinstance(error, MessageError)
    assert error.key == key


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"request_key": None}, "request_key"),
        ({"plans": ["a"]}, "plans"),
        ({"plans": {"a": None}}, "plans"),
        ({"model_id": 1.5}, "model_id"),
        ({"client_config": "x"}, "client_config"),
        ({"status": "perhaps"}, "status"),
        ({"status": "rejected", "timeout": "soon"}, "timeout"),
    ],
)
def test_mistyped_cycle_replies(change, key):
    machine = asking_for_cycle()
    error = failure(machine.receive({**ACCEPTED, **change}))
    assert isinstance(error, MessageError)
    assert error.key == key
    assert machine.step is Step.FAILED


@pytest.mark.parametrize("reply", [None, [], "text", 5, {"type": "model-centric/authenticate"}])
def test_replies_that_are_no_objects(reply):
    machine = JobProtocol("m", "1.0.0")
    machine.start()
    assert isinstance(failure(machine.receive(reply)), GridAnswerError)


def test_the_http_envelope_is_understood():
    machine = asking_for_cycle()
    fetch = machine.receive({"type": "model-centric/cycle-request", "data": ACCEPTED})
    assert isinstance(fetch, Fetch)


def test_a_model_that_cannot_be_read():
    machine, _ = downloading()
    error = failure(machine.receive_asset(b"AAAAA"))
    assert isinstance(error, DownloadError)
    assert "Failed to load Model" in str(error)
    assert error.asset == "model"
    assert error.__cause__ is not None


def test_an_empty_model():
    machine, _ = downloading()
    assert "no parameters" in str(failure(machine.receive_asset(b"")))


def test_a_plan_that_cannot_be_read():
    machine, _ = downloading()
    machine.receive_asset(MODEL.dumps())
    error = failure(machine.receive_asset(PLAN[:100]))
    assert isinstance(error, DownloadError)
    assert "Failed to load 'training_plan' Plan" in str(error)
    assert error.asset == "plan training_plan"


def test_a_refused_download_names_the_asset():
    machine, _ = downloading()
    cause = GridRefusedError(
        "the grid said: Model ID not found!", during="get-model", status=400, text="..."
    )
    error = failure(machine.fail(cause))
    assert isinstance(error, DownloadError)
    assert error.asset == "model"
    assert "Model ID not found!" in str(error)
    assert error.__cause__ is cause


@pytest.mark.parametrize("kind", [GridClosedError, GridTimeoutError])
def test_a_broken_download_keeps_its_kind_and_names_the_asset(kind):
    machine, _ = downloading()
    machine.receive_asset(MODEL.dumps())
    error = failure(machine.fail(kind("gone", during="get-plan")))
    assert isinstance(error, kind)
    assert "'training_plan' Plan" in str(error)
    assert error.during == "get-plan"


def test_protocols_are_kept_as_bytes():
    machine, _ = downloading({**ACCEPTED, "plans": {}, "protocols": {"p": 7}})
    fetch = machine.receive_asset(MODEL.dumps())
    assert fetch.path == "/model-centric/get-protocol"
    assert fetch.query["protocol_id"] == 7
    outcome = machine.receive_asset(b"opaque")
    assert outcome.protocols == {"p": b"opaque"}
    assert outcome.plans == {}


def test_the_known_fault_of_get_protocol_does_not_end_the_job(caplog):
    machine, _ = downloading({**ACCEPTED, "plans": {}, "protocols": {"p": 7, "q": 8}})
    machine.receive_asset(MODEL.dumps())
    fault = GridRefusedError(
        "'list' object has no attribute 'fl_process_id'", during="get-protocol", status=500
    )
    machine.fail(fault)
    outcome = machine.fail(fault)
    assert isinstance(outcome, Accepted)
    assert outcome.protocols == {}
    assert "protocol p" in caplog.text
    assert KEY not in caplog.text


def test_another_protocol_failure_does():
    machine, _ = downloading({**ACCEPTED, "plans": {}, "protocols": {"p": 7}})
    machine.receive_asset(MODEL.dumps())
    error = failure(machine.fail(GridRefusedError("no", during="get-protocol", status=400)))
    assert isinstance(error, DownloadError)
    assert error.asset == "protocol p"


def test_a_refused_report_can_be_repeated():
    machine = accepted()
    machine.report(b"a")
    error = failure(machine.receive({"error": "Incorrect padding"}))
    assert isinstance(error, GridRefusedError)
    assert machine.step is Step.ACCEPTED
    machine.report(b"b")
    assert machine.receive(SUCCESS) == Reported()
    machine.report(b"b")
    assert machine.receive(SUCCESS) == Reported()


def test_what_is_told_with_a_report():
    machine = accepted()
    ask = machine.report(b"a", np.int64(64), {"loss": np.float32(0.5)})
    assert ask.data["num_samples"] == 64
    assert ask.data["metrics"] == {"loss": 0.5}


@pytest.mark.parametrize(("samples", "metrics"), [(0, None), (None, {"loss": float("nan")})])
def test_what_no_grid_would_take_is_not_sent(samples, metrics):
    machine = accepted()
    with pytest.raises(MessageError):
        machine.report(b"a", samples, metrics)
    assert machine.step is Step.ACCEPTED
    machine.report(b"a")


def test_an_error_without_words():
    machine = accepted()
    machine.report(b"a")
    error = failure(machine.receive({"error": "Traceback (most recent call last):\n  boom\n"}))
    assert "without a reason" in str(error)


@pytest.mark.parametrize("reply", [{"status": "rejected"}, ACCEPTED, {"error": "x"}])
def test_start_again_after_every_outcome(reply):
    machine = asking_for_cycle()
    outcome = machine.receive(reply)
    if isinstance(outcome, Fetch):
        machine.fail(GridClosedError("gone"))
    assert isinstance(machine.start(), Ask)
    assert machine.worker_id == ""
    ask = machine.receive({**AUTHENTICATED, "worker_id": "worker-2"})
    assert isinstance(ask, Ask)
    assert ask.data["worker_id"] == "worker-2"


def test_start_again_after_a_report():
    machine = accepted()
    machine.report(b"a")
    machine.receive(SUCCESS)
    machine.start()
    with pytest.raises(JobStateError):
        machine.report(b"a")


def test_calls_out_of_turn():
    machine = JobProtocol("m", "1.0.0")
    with pytest.raises(JobStateError, match="the job is idle"):
        machine.report(b"")
    with pytest.raises(JobStateError):
        machine.receive({})
    with pytest.raises(JobStateError):
        machine.receive_asset(b"")
    with pytest.raises(JobStateError):
        machine.receive_speed(Speed(1, 1, 1))
    machine.start()
    with pytest.raises(JobStateError, match="authenticating"):
        machine.start()


def test_abandoned_in_the_middle():
    machine, _ = downloading()
    machine.abandon()
    assert machine.step is Step.FAILED
    machine.start()

    machine = accepted()
    machine.report(b"")
    machine.abandon()
    assert machine.step is Step.ACCEPTED
    machine.abandon()
    assert machine.step is Step.ACCEPTED


def test_nothing_secret_in_reprs():
    machine, fetch = downloading()
    assert KEY not in repr(fetch)
    assert KEY not in repr(machine)
    assert KEY not in repr(accepted().report(b"x"))
