"""How fast the wire room is, beside Google's protobuf with numpy.

Run: ``python -m tests.bench.bench_wire [millions of values]``. Prints milliseconds, and how many
times as fast as Google's C library each step is. In a browser that library does not exist.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.wire import syft_proto as pb
from syft_web.wire.tensors import from_array, to_array
from tests.conformance.proto.compiled import google
from tests.paths import SHARED


def best(action: Callable[[], Any], times: int = 5) -> tuple[float, Any]:
    """The shortest of several runs in seconds, and what the action gave."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def row(name: str, ours: float, theirs: float) -> None:
    """One line of the table."""
    print(f"{name:<34}{ours * 1e3:>12.3f} ms{theirs * 1e3:>12.3f} ms{theirs / ours:>10.2f} x")


def bench_tensor(values: np.ndarray) -> None:
    """A State of one tensor, there and back."""
    name, field = f"{values.size:,} {values.dtype}", f"contents_{values.dtype}"
    state_class = google("State")

    def encode() -> bytes:
        return pb.encode(pb.State(tensors=[pb.StateTensor(torch_tensor=from_array(values, 1))]))

    def decode() -> np.ndarray:
        return to_array(pb.decode(pb.State, raw).tensors[0])

    def google_encode() -> bytes:
        state = state_class()
        tensor = state.tensors.add().torch_tensor
        tensor.id.id_int, tensor.serializer = 1, pb.SERIALIZER_ALL
        tensor.contents_data.dtype = str(values.dtype)
        tensor.contents_data.shape.dims.append(values.size)
        getattr(tensor.contents_data, field).extend(values)
        return state.SerializeToString()

    def google_decode() -> np.ndarray:
        data = state_class.FromString(raw).tensors[0].torch_tensor.contents_data
        return np.asarray(getattr(data, field), dtype=values.dtype)

    ours, raw = best(encode)
    theirs, other = best(google_encode, 1)
    assert raw == other
    row(f"encode {name}", ours, theirs)
    ours, array = best(decode)
    theirs, other = best(google_decode, 2)
    assert np.array_equal(array, values)
    assert np.array_equal(other, values)
    row(f"decode {name}", ours, theirs)


def bench_plan(raw: bytes) -> None:
    """A plan of many small messages, the case that numpy cannot help."""
    plan_class = google("Plan")
    ours, plan = best(lambda: pb.decode(pb.Plan, raw), 30)
    theirs, other = best(lambda: plan_class.FromString(raw), 30)
    row(f"decode Plan of {len(raw):,} bytes", ours, theirs)
    ours, _ = best(lambda: pb.encode(plan), 30)
    theirs, _ = best(other.SerializeToString, 30)
    row(f"encode Plan of {len(raw):,} bytes", ours, theirs)


def main() -> None:
    """All measurements."""
    count = int(float(sys.argv[1] if len(sys.argv) > 1 else 10) * 1e6)
    random = np.random.default_rng(0)
    print(f"{'':<34}{'syft_web':>15}{'protobuf':>15}{'ratio':>12}")
    bench_tensor(random.normal(size=count).astype(np.float32))
    bench_tensor(random.normal(size=count // 10))
    bench_tensor(random.integers(-(2**40), 2**40, count // 10))
    bench_tensor(random.integers(0, 256, count // 10).astype(np.uint8))
    bench_tensor(random.integers(0, 2, count // 10).astype(np.bool_))
    if SHARED is not None:
        bench_plan((SHARED / "bin" / "js2007b_mnist_plan.pb").read_bytes())


if __name__ == "__main__":
    main()
