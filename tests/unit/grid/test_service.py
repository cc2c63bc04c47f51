from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syft_web.errors import HostingError
from syft_web.grid.admission import NO_END_SECONDS, OVERDUE_SECONDS
from syft_web.grid.completion import Completion
from syft_web.grid.records import CycleState
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from syft_web.plan import Action, Plan, Ref, Role, State
from syft_web.wire import syft_proto as pb
from syft_web.wire.messages import CycleAccepted, CycleRejected, ReportReply
from syft_web.wire.reasons import Reason
from tests.grid.talk import host_data, small_diff, small_model
from tests.paths import DATA
from tests.unit.grid.averaging import list_plan
from tests.unit.grid.workers import Clock, Workers, refused

# Hosting


def test_ids_count_averaging_plans_and_all_processes(workers: Workers) -> None:
    plan = (DATA / "tr_mlp.pb").read_bytes()
    workers.service.host(host_data("a", plans={"x": plan, "y": plan}, protocols={"p": b"1"}))
    workers.service.host(host_data("b", plans={"x": plan}, protocols={"p": b"2", "q": b"3"}))
    first = workers.request(workers.authenticate("a"), "a")
    second = workers.request(workers.authenticate("b"), "b")
    assert (first.plans, first.protocols, first.model_id) == ({"x": 2, "y": 3}, {"p": 1}, 1)
    assert (second.plans, second.protocols, second.model_id) == ({"x": 5}, {"p": 2, "q": 3}, 2)
    assert second.client_config == {"name": "b", "version": "1.0.0", "batch_size": 64, "lr": 0.005}


def test_a_name_and_version_is_hosted_once(service: Service) -> None:
    service.host(host_data())
    with refused("FL Process already exists."):
        service.host(host_data())
    service.host(host_data(version="1.0.1"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"model": ""}, "Model is not valid: it has no tensors"),
        ({"model": b"junk".hex()}, "Model is not valid"),
        ({"model": State.of([np.array([np.nan], np.float32)]).dumps().hex()}, "not finite"),
        ({"model": State.of([np.array([True])]).dumps().hex()}, "must be real numbers"),
        ({"plans": {"p": ""}}, "Plan is not valid: plan 'p'"),
        ({"plans": {"p": "ffffff"}}, "Plan is not valid: plan 'p'"),
        ({"plans": {"": "00"}}, "The name of a plan must be"),
        ({"protocols": {"x" * 300: "00"}}, "The name of a protocol must be"),
        ({"averaging_plan": b"junk".hex()}, "Plan is not valid: plan 'averaging plan'"),
        ({"averaging_plan": (DATA / "tr_mlp.pb").read_bytes().hex()}, "it has 6 outputs"),
        ({"client_config": {"name": "m", "version": "1", "lr": math.nan}}, "client_config.lr"),
        ({"client_config": {"name": "m", "version": "1", "a": [{"b": math.inf}]}}, "a.0..b"),
        ({"server_config": {}}, "'cycle_length'"),
        (
            {"server_config": {"cycle_length": 1, "authentication": {"pub_key": "s"}}},
            "pub_key is no",
        ),
    ],
)
def test_what_is_not_whole_is_not_hosted(
    service: Service, store: Store, change: dict[str, Any], text: str
) -> None:
    with pytest.raises(HostingError, match=text):
        service.host({**host_data(), **change})
    with store.read() as tx:
        assert tx.find_process("m") is None
        assert not tx.cycles_in(CycleState.OPEN)
    service.host(host_data())


def test_deeply_nested_configs_are_refused(service: Service) -> None:
    data = host_data()
    inner: Any = 1
    for _ in range(40):
        inner = [inner]
    data["client_config"]["deep"] = inner
    with pytest.raises(HostingError, match="nested too deeply"):
        service.host(data)


def test_a_state_is_no_plan(service: Service) -> None:
    with pytest.raises(HostingError, match="Plan is not valid"):
        service.host(host_data(plans={"p": small_model()}))


def test_plans_of_operations_unknown_here_are_hosted(
    service: Service, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    message = pb.decode(pb.Plan, (DATA / "tr_mlp.pb").read_bytes())
    for role in (message.role, *message.roles.values()):
        assert role is not None
        role.actions[0].command = "torch.nn.functional.of_tomorrow"
    service.host(host_data(plans={"p": pb.encode(message)}))
    assert "of_tomorrow" in caplog.text
    assert isinstance(workers.request(workers.authenticate()), CycleAccepted)


def test_averaging_plans_are_tried_before_they_are_hosted(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    iterative = (DATA / "avg_mnist.pb").read_bytes()
    shapes = [(392, 784), (392,), (10, 392), (10,)]
    mnist = State.of([np.zeros(s, np.float32) for s in shapes]).dumps()
    service.host(host_data("a", model=mnist, averaging_plan=iterative, iterative_plan=True))
    with pytest.raises(HostingError, match="9 inputs, no multiple"):
        service.host(host_data("b", model=mnist, averaging_plan=iterative))

    pair = list_plan().dumps()
    service.host(host_data("c", averaging_plan=pair, max_diffs=2))
    service.host(host_data("d", averaging_plan=pair, max_diffs=5))
    assert "max_diffs 5 has no effect" in caplog.text
    with pytest.raises(HostingError, match="takes exactly 2 diffs"):
        service.host(host_data("e", averaging_plan=pair, min_diffs=3))


def test_an_averaging_plan_for_other_shapes_is_refused(service: Service) -> None:
    first = Role(
        actions=(Action("reshape", Ref(1), (-1,), return_ids=(9,)),),
        input_ids=(1, 2, 3, 4),
        output_ids=(9, 2),
    )
    plan = Plan.from_role(first, name="flattens")
    with pytest.raises(HostingError, match="other shapes than the model has"):
        service.host(host_data(averaging_plan=plan.dumps()))


def test_a_taken_name_is_said_before_anything_else_is_read(service: Service) -> None:
    service.host(host_data())
    with refused("FL Process already exists."):
        service.host(host_data(plans={"p": b"no plan"}))


@pytest.mark.parametrize("max_diffs", [1, 2, 5])
def test_a_plan_for_two_diffs_runs_at_two(
    service: Service, workers: Workers, store: Store, clock: Clock, max_diffs: int
) -> None:
    service.host(host_data(averaging_plan=list_plan().dumps(), max_diffs=max_diffs))
    completion = Completion(store, clock)
    for seed, finished in ((1, 0), (2, 1)):
        workers.report(workers.join(), small_diff(seed))
        completion.run()
        with store.read() as tx:
            assert tx.count_done(1) == finished


# Joining


def test_the_newest_version_is_the_default(service: Service, workers: Workers) -> None:
    service.host(host_data(version="2"))
    service.host(host_data(version="1", minimum_upload_speed=1))
    assert service.authenticate({"model_name": "m"}).requires_speed_test
    assert not service.authenticate({"model_name": "m", "model_version": "2"}).requires_speed_test
    worker = workers.authenticate()
    assert workers.request(worker, version="2").version == "2"
    assert workers.request(worker, ping=1, download=1, upload=1).version == "1"


def test_unknown_process(service: Service) -> None:
    with refused("Not found any process", 401):
        service.authenticate({"model_name": "nothing"})
    service.host(host_data())
    with refused("Not found any process", 401):
        service.authenticate({"model_name": "m", "model_version": "2"})


def test_requests_that_nobody_can_answer(service: Service, workers: Workers) -> None:
    service.host(host_data())
    with refused("Worker ID not found!"):
        workers.request("nobody")
    worker = workers.authenticate()
    with refused("Not found any process"):
        workers.request(worker, "nothing")
    with refused("Not found any process"):
        workers.request(worker, version="")


def test_a_process_without_plans_keeps_its_places(service: Service, workers: Workers) -> None:
    service.host(host_data(plans={}))
    worker = workers.authenticate()
    for _ in range(2):
        with refused("Plan ID not found!"):
            workers.request(worker)


def test_a_second_request_in_a_cycle_is_rejected_until_its_end(
    service: Service, workers: Workers, clock: Clock
) -> None:
    service.host(host_data(cycle_length=100))
    worker = workers.authenticate()
    assert isinstance(workers.request(worker), CycleAccepted)
    assert workers.request(worker) == CycleRejected(100, Reason.ALREADY_IN_CYCLE)
    clock.now += 99.5
    assert workers.request(worker) == CycleRejected(1, Reason.ALREADY_IN_CYCLE)
    clock.now += 10
    assert workers.request(worker) == CycleRejected(OVERDUE_SECONDS, Reason.ALREADY_IN_CYCLE)


def test_a_cycle_without_end_names_a_time_to_come_back(service: Service, workers: Workers) -> None:
    service.host(host_data(cycle_length=None, max_diffs=5))
    worker = workers.authenticate()
    workers.request(worker)
    assert workers.request(worker) == CycleRejected(NO_END_SECONDS, Reason.ALREADY_IN_CYCLE)


@pytest.mark.parametrize(
    ("speeds", "accepted"),
    [
        ({"ping": 1, "download": 4, "upload": 2}, True),
        ({"ping": 1, "download": math.inf, "upload": math.inf}, True),
        ({"ping": 1, "download": 3.9, "upload": 2}, False),
        ({"ping": 1, "download": 4, "upload": 0}, False),
    ],
)
def test_minimum_speeds(
    service: Service, workers: Workers, speeds: dict[str, float], accepted: bool
) -> None:
    service.host(host_data(minimum_download_speed=4, minimum_upload_speed=2))
    reply = workers.request(workers.authenticate(), **speeds)
    if accepted:
        assert isinstance(reply, CycleAccepted)
    else:
        assert reply == CycleRejected(3600, Reason.TOO_SLOW)


def test_speeds_are_required_when_there_is_a_minimum(service: Service, workers: Workers) -> None:
    service.host(host_data(minimum_download_speed=4))
    with refused("'ping' is required"):
        workers.request(workers.authenticate())


def test_while_aggregating_a_worker_is_asked_to_wait(
    service: Service, workers: Workers, store: Store, clock: Clock
) -> None:
    service.host(host_data(max_diffs=1, num_cycles=2))
    workers.report(workers.join(), small_diff(0))
    worker = workers.authenticate()
    assert workers.request(worker) is None
    Completion(store, clock).run()
    assert isinstance(workers.request(worker), CycleAccepted)


# Reports


def test_the_first_report_wins(
    service: Service, workers: Workers, store: Store, changes: list[str]
) -> None:
    service.host(host_data(max_diffs=2))
    assert changes == ["change"]
    place = workers.join()
    first = State.of(small_diff(1)).dumps()
    for diff in (first, small_diff(2), b"junk"):
        assert workers.report(place, diff) == ReportReply()
    assert workers.request(place["worker_id"]) == CycleRejected(3600, Reason.ALREADY_REPORTED)
    with store.read() as tx:
        assert list(tx.diffs(1)) == [first]
        assert len(tx.cycles_in(CycleState.OPEN)) == 1
    workers.report(workers.join(), small_diff(3))
    assert changes == ["change", "change"]


def test_a_late_report_succeeds_and_is_ignored(
    service: Service, workers: Workers, store: Store, clock: Clock
) -> None:
    service.host(host_data(max_diffs=1))
    late, early = workers.join(), workers.join()
    for _ in range(2):
        assert workers.report(early, small_diff(1)) == ReportReply()
        assert workers.report(late, small_diff(2)) == ReportReply(Reason.LATE)
        Completion(store, clock).run()
    with store.read() as tx:
        assert tx.get_checkpoint(1, number=3) is None


def test_a_bad_report_can_be_corrected(
    service: Service, workers: Workers, store: Store, clock: Clock
) -> None:
    service.host(host_data(max_diffs=1))
    place = workers.join()
    for wrong in (b"junk", small_diff(1)[:1]):
        with refused("Invalid diff"):
            workers.report(place, wrong)
    workers.report(place, small_diff(1))
    Completion(store, clock).run()
    with store.read() as tx:
        assert tx.get_checkpoint(1, number=2) is not None


def test_reports_under_a_wrong_name(service: Service, workers: Workers) -> None:
    service.host(host_data())
    place, other = workers.join(), workers.join()
    with refused("Worker ID not found!"):
        workers.report({**place, "worker_id": "nobody"}, small_diff(0))
    with refused("Invalid request key!"):
        workers.report({**place, "request_key": other["request_key"]}, small_diff(0))


# Whatever happens, in whatever order

ACTIONS = st.lists(
    st.tuples(st.sampled_from(["join", "report", "repeat", "junk", "tick", "run"]), st.integers()),
    max_size=40,
)


@settings(max_examples=25)
@given(actions=ACTIONS, max_diffs=st.integers(1, 3))
def test_any_order_of_events_keeps_the_books(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int]], max_diffs: int
) -> None:
    """Every checkpoint is the mean of exactly the diffs acknowledged in time for its cycle."""
    folder = tmp_path_factory.mktemp("books")
    store, clock = Store(f"sqlite:///{folder / 'grid.sqlite'}"), Clock()
    workers, completion = Workers(Service(store, clock=clock)), Completion(store, clock)
    workers.service.host(host_data(max_diffs=max_diffs, cycle_length=50))
    waiting: list[dict[str, str]] = []
    done: list[dict[str, str]] = []
    for seed, (action, number) in enumerate(actions):
        if action == "join":
            reply = workers.request(worker := workers.authenticate())
            if isinstance(reply, CycleAccepted):
                waiting.append({"worker_id": worker, "request_key": reply.request_key})
        elif action == "report" and waiting:
            done.append(waiting.pop(number % len(waiting)))
            workers.report(done[-1], small_diff(seed))
        elif action == "repeat" and done:
            workers.report(done[number % len(done)], small_diff(seed))
        elif action == "junk" and waiting and completion.is_idle():
            place = waiting[number % len(waiting)]
            with store.read() as tx:
                assignment = tx.assignment_of(**place)
                assert assignment is not None
                cycle = tx.get_cycle(assignment.cycle_id)
            if cycle is not None and cycle.state is CycleState.OPEN:
                with refused("Invalid diff"):
                    workers.report(place, b"junk")
        elif action == "tick":
            clock.now += 20
        elif action == "run":
            completion.run()
    completion.run()
    with store.read() as tx:
        finished = tx.count_done(1)
        assert len(tx.cycles_in(CycleState.OPEN)) == 1
        assert not tx.cycles_in(CycleState.FAILED)
        assert tx.get_checkpoint(1) == tx.get_checkpoint(1, number=finished + 1)
    store.close()
