from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from syft_web.grid.admission import NO_END_SECONDS
from syft_web.grid.completion import Completion
from syft_web.grid.service import Service
from syft_web.wire.messages import CycleAccepted, CycleRejected, ReportReply
from syft_web.wire.reasons import Reason
from tests.grid.talk import host_data, small_diff
from tests.unit.grid.workers import Clock, Workers


def limited(**config: Any) -> dict[str, Any]:
    return host_data(enforce_worker_limits=True, cycle_length=10, **config)


def test_a_cycle_has_as_many_places_as_it_shall(workers: Workers, completion: Completion) -> None:
    workers.service.host(limited(max_workers=2))
    first, second = workers.join(), workers.join()
    third = workers.authenticate()
    assert workers.request(third) == CycleRejected(10, Reason.CYCLE_FULL)
    workers.report(first, small_diff(1))
    assert workers.request(third) == CycleRejected(10, Reason.CYCLE_FULL)
    # When all have reported, nobody else can: the cycle need not wait for its end.
    workers.report(second, small_diff(2))
    assert workers.request(third) is None
    completion.run()
    assert isinstance(workers.request(third), CycleAccepted)


def test_workers_that_do_not_come_back_lose_their_places(
    workers: Workers, completion: Completion, clock: Clock
) -> None:
    workers.service.host(limited(max_workers=2, min_workers=2))
    gone, slow = workers.join(), workers.join()
    clock.now += 7
    assert workers.request(workers.authenticate()) == CycleRejected(3, Reason.CYCLE_FULL)
    for _ in range(2):
        clock.now += 10
        completion.run()
        other = workers.join()
        workers.join()
        assert workers.request(workers.authenticate()) == CycleRejected(3, Reason.CYCLE_FULL)
    # They keep their keys, though.
    assert workers.report(slow, small_diff(0)) == ReportReply()
    assert workers.report(other, small_diff(1)) == ReportReply()
    assert workers.report(gone, small_diff(2)) == ReportReply(Reason.LATE)


def test_places_are_not_given_twice(service: Service, workers: Workers) -> None:
    service.host(limited(max_workers=3))
    names = [workers.authenticate() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(workers.request, names))
    assert sum(isinstance(reply, CycleAccepted) for reply in replies) == 3


def test_a_worker_rests_for_some_cycles(workers: Workers, completion: Completion) -> None:
    workers.service.host(limited(max_diffs=1, do_not_reuse_workers_until_cycle=2))
    place = workers.join()
    worker = place["worker_id"]
    workers.report(place, small_diff(0))
    completion.run()
    assert workers.request(worker) == CycleRejected(10, Reason.WORKER_REUSE)
    workers.report(workers.join(), small_diff(1))
    completion.run()
    assert isinstance(workers.request(worker), CycleAccepted)


def test_without_the_switch_everybody_is_welcome(workers: Workers, completion: Completion) -> None:
    config = {"max_workers": 1, "min_workers": 5, "do_not_reuse_workers_until_cycle": 6}
    workers.service.host(host_data(max_diffs=2, **config))
    for _ in range(2):
        places = [workers.join(), workers.join()]
        for place in places:
            workers.report(place, small_diff(0))
        completion.run()
        assert isinstance(workers.request(places[0]["worker_id"]), CycleAccepted)


def test_a_training_that_is_over(workers: Workers, completion: Completion) -> None:
    workers.service.host(host_data(max_diffs=1, num_cycles=1))
    worker = workers.authenticate()
    workers.report(workers.join(), small_diff(0))
    completion.run()
    assert workers.request(worker) == CycleRejected(None, Reason.FINISHED)


def test_a_failed_average_does_not_end_the_training(
    workers: Workers, completion: Completion
) -> None:
    workers.service.host(host_data(max_diffs=2, num_cycles=1, cycle_length=None))
    huge = [tensor * 0 + 3e38 for tensor in small_diff(0)]
    for _ in range(2):
        workers.report(workers.join(), huge)
    completion.run()
    place = workers.join()
    again = CycleRejected(NO_END_SECONDS, Reason.ALREADY_IN_CYCLE)
    assert workers.request(place["worker_id"]) == again
