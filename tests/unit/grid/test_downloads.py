from __future__ import annotations

import pytest

from syft_web.grid.completion import Completion
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from syft_web.plan import State
from syft_web.wire import syft_proto as pb
from tests.grid.talk import host_data, small_diff
from tests.paths import DATA
from tests.unit.grid.workers import Clock, Workers, refused


@pytest.fixture
def place(service: Service, workers: Workers) -> dict[str, str]:
    service.host(host_data(max_diffs=1, protocols={"p": b"any bytes"}))
    return workers.join()


def test_downloads(service: Service, place: dict[str, str]) -> None:
    assert service.model({**place, "model_id": "1"}) == small_model_as_hosted(service)
    assert service.protocol({**place, "protocol_id": "1"}) == b"any bytes"
    for form in ("list", "tfjs", "torchscript", "anything", ""):
        plan = pb.decode(
            pb.Plan, service.plan({**place, "plan_id": "2", "receive_operations_as": form})
        )
        assert plan.role is not None
        assert bool(plan.role.actions) is (form != "torchscript")
        assert bool(plan.torchscript) is (form == "torchscript")


def small_model_as_hosted(service: Service) -> bytes:
    return service.checkpoint({"name": "m", "checkpoint": "1"})


def test_downloads_refused_in_order(
    service: Service, workers: Workers, place: dict[str, str], store: Store, clock: Clock
) -> None:
    stranger = workers.authenticate()
    for fetch, key, text in (
        (service.model, "model_id", "Model ID not found!"),
        (service.plan, "plan_id", "Plan ID not found!"),
        (service.protocol, "protocol_id", "Protocol ID not found!"),
    ):
        for wrong in ({}, {key: "9"}, {key: "x"}, {key: "9" * 30}):
            with refused(text):
                fetch({**place, **wrong})
        right = {**place, key: "2" if key == "plan_id" else "1"}
        with refused("Worker ID not found!"):
            fetch({**right, "worker_id": "nobody"})
        with refused("Cycle not found!"):
            fetch({**right, "worker_id": stranger})
        for wrong_key in ("", "0" * 64, right["request_key"].upper(), "ключ"):
            with refused("Invalid request key!", 401):
                fetch({**right, "request_key": wrong_key})
    workers.report(place, small_diff(0))
    Completion(store, clock).run()
    with refused("Cycle not found!"):
        service.model({**place, "model_id": "1"})


def test_the_averaging_plan_is_not_handed_out(service: Service, place: dict[str, str]) -> None:
    with refused("Plan ID not found!"):
        service.plan({**place, "plan_id": "1"})


@pytest.mark.parametrize(("form", "name"), [("tfjs", "nn_conv_a"), ("torchscript", "plain")])
def test_forms_a_plan_does_not_have(
    service: Service, workers: Workers, form: str, name: str
) -> None:
    message = pb.decode(pb.Plan, (DATA / "nn_conv_a.pb").read_bytes())
    if name == "plain":
        message.torchscript = b""
    service.host(host_data("c", plans={"p": pb.encode(message)}))
    place = workers.join("c")
    plan_id = str(service_plan_id(service, "c"))
    with refused(f"Plan 'p' was hosted without a {form} form"):
        service.plan({**place, "plan_id": plan_id, "receive_operations_as": form})


def service_plan_id(service: Service, name: str) -> int:
    reply = Workers(service).request(Workers(service).authenticate(name), name)
    (plan_id,) = reply.plans.values()
    return int(plan_id)


@pytest.mark.parametrize(
    ("checkpoint", "found"),
    [
        ("", True),
        ("latest", True),
        ("1", True),
        ("01", True),
        ("\N{ARABIC-INDIC DIGIT ONE}", True),
        ("0", False),
        ("2", False),
        ("-1", False),
        ("1.0", False),
        ("LATEST", False),
        ("\N{SUPERSCRIPT ONE}", False),
        ("9" * 40, False),
    ],
)
def test_checkpoints(service: Service, checkpoint: str, found: bool) -> None:
    service.host(host_data())
    if found:
        assert State.loads(service.checkpoint({"name": "m", "checkpoint": checkpoint})).tensors
    else:
        with refused("Model ID not found!", 404):
            service.checkpoint({"name": "m", "checkpoint": checkpoint})


@pytest.mark.parametrize("query", [{}, {"name": "x"}, {"name": "m", "version": "9"}])
def test_checkpoints_of_unknown_processes(service: Service, query: dict[str, str]) -> None:
    service.host(host_data())
    with refused("Not found any process", 500):
        service.checkpoint(query)
