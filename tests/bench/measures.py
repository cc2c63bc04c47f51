"""What is measured the same way in CPython and in Pyodide.

This file alone is sent to the page, so it imports nothing but numpy and ``syft_web``.
A case (see `tests.bench.models`) is a folder: ``case.json``, ``arrays.bin``, ``plan.bin``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from syft_web.plan import Action, Placeholder, Plan, Ref, Role, State
from syft_web.wire import syft_proto as pb
from syft_web.wire.tensors import from_array

BUILDS = ("relaxed_simd", "simd128", "numpy")
"""Builds of the kernels, best first; ``numpy`` is none at all."""

FILES = ("case.json", "arrays.bin", "plan.bin")
"""What a case's folder holds."""

GEMMS = {
    "x @ w": ((64, 784), (784, 392), ""),
    "x.T @ g": ((64, 784), (64, 392), "left"),
    "g @ w.T": ((64, 392), (784, 392), "right"),
    "512": ((512, 512), (512, 512), ""),
}
"""Products of an MNIST step: shapes as stored, and which side is used transposed."""


_LONG = 3.0
"""Seconds that a single thing is measured for at most."""


def timed(function: Callable[[], Any], rounds: int = 5, least: float = 0.05) -> float:
    """Median seconds of one call over several rounds of at least `least` seconds."""
    function()
    count, took = 1, 0.0
    while True:
        start = time.perf_counter()
        for _ in range(count):
            function()
        took = time.perf_counter() - start
        if took >= least:
            break
        count = max(count + 1, int(count * 1.2 * least / max(took, least / 50)))
    times = [took / count]
    for _ in range(rounds - 1):
        start = time.perf_counter()
        for _ in range(count):
            function()
        times.append((time.perf_counter() - start) / count)
    return median(times)


def use(build: str) -> str:
    """Switch to a build of the kernels; gives why it cannot be had, else an empty text."""
    try:
        kernels: Any = import_module("syft_web.kernels")
        switch = kernels.use
    except (ImportError, AttributeError):
        return "" if build == "numpy" else "there are no kernels"
    try:
        switch(build)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


class Case:
    """A training step and its data, from its folder.

    Attributes:
        about: What ``case.json`` says: name, batch, lr, names of the plan's inputs and outputs.
        arrays: Data and parameters by name, in the order they were written.
        plan: Bytes of the plan.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.about: dict[str, Any] = json.loads((folder / "case.json").read_text())
        raw = (folder / "arrays.bin").read_bytes()
        self.arrays: dict[str, np.ndarray] = {}
        for name, dtype, shape, offset in self.about["arrays"]:
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(raw, dtype, count, offset)
            wanted = np.int64 if name in self.about["int64"] else dtype
            self.arrays[name] = flat.reshape(shape).astype(wanted)
        self.plan = (folder / "plan.bin").read_bytes()


class PlanSteps:
    """Training steps of a case, each from the parameters that the last one gave.

    Args:
        case: The case.
        plan: Another plan for the same step, of the same inputs and outputs.
    """

    def __init__(self, case: Case, plan: bytes = b"") -> None:
        inputs, outputs = case.about["inputs"], case.about["outputs"]
        self.plan = Plan.loads(plan or case.plan)
        values: dict[str, Any] = {
            **case.arrays,
            "batch_size": float(case.about["batch"]),
            "lr": case.about["lr"],
        }
        self.arguments = [values[name] for name in inputs]
        self.loss = outputs.index("loss")
        self.fed = [(inputs.index(name), i) for i, name in enumerate(outputs) if name in inputs]

    def step(self) -> float:
        """One step; gives the loss."""
        results = self.plan.execute(*self.arguments)
        for at, result in self.fed:
            self.arguments[at] = results[result]
        return float(results[self.loss])

    def losses(self, count: int) -> list[float]:
        """The losses of the next steps."""
        return [self.step() for _ in range(count)]

    def time(self, count: int) -> float:
        """Seconds of one step, on the average of some."""
        start = time.perf_counter()
        for _ in range(count):
            self.step()
        return (time.perf_counter() - start) / count


def gemm_speeds(rounds: int = 9, least: float = 0.01) -> dict[str, dict[str, float] | str]:
    """GFLOP/s of products at the sizes of `GEMMS`, the builds of the kernels in turns.

    The best of several short rounds counts: what the processor can, whatever else it has to do.
    ``numpy`` is its own ``@``. A build that cannot be had has the reason instead of numbers.
    """
    found: dict[str, Any] = {build: use(build) or {} for build in BUILDS}
    builds = [build for build in BUILDS if not isinstance(found[build], str)]
    random = np.random.default_rng(0)
    for name, (left, right, turned) in GEMMS.items():
        a = random.normal(size=left).astype(np.float32)
        b = random.normal(size=right).astype(np.float32)
        a, b = (a.T if turned == "left" else a), (b.T if turned == "right" else b)
        times: dict[str, list[float]] = {build: [] for build in builds}
        for _ in range(rounds):
            for build in builds:
                use(build)
                times[build].append(timed(_product(build, a, b), 1, least))
        work = 2 * a.shape[0] * a.shape[1] * b.shape[1]
        for build in builds:
            found[build][name] = work / min(times[build]) / 1e9
    use("auto")
    return found


def _product(build: str, a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
    if build == "numpy":
        return lambda: np.matmul(a, b)
    matmul = import_module("syft_web.kernels").matmul
    return lambda: matmul(a, b)


def update_times(size: int = 78_400, rounds: int = 31) -> dict[str, float]:
    """Seconds of a step of momentum with weight decay: as one chain, and as six operations."""
    chained = import_module("syft_web.kernels").Chain(
        3, 2, (0.01, 0.9, 0.1), 0, 1,
        (
            ("mul", 8, (0, 5)), ("add", 8, (1, 8)), ("mul", 3, (2, 6)), ("add", 3, (3, 8)),
            ("mul", 8, (3, 7)), ("sub", 4, (0, 8)),
        ),
        (-1, -1),
    )  # fmt: skip
    random = np.random.default_rng(0)
    weight, grad, speed = (random.normal(size=size).astype(np.float32) for _ in range(3))
    decay, factor, rate = map(np.float32, (0.01, 0.9, 0.1))

    def one_by_one() -> tuple[np.ndarray, np.ndarray]:
        first = weight * decay
        np.add(grad, first, first)
        moved = speed * factor
        np.add(moved, first, moved)
        step = moved * rate
        return moved, np.subtract(weight, step, step)

    for ours, theirs in zip(chained(weight, grad, speed), one_by_one(), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    times: dict[str, list[float]] = {"chain": [], "six operations": []}
    for _ in range(rounds):
        times["chain"].append(timed(lambda: chained(weight, grad, speed), 1, 0.005))
        times["six operations"].append(timed(one_by_one, 1, 0.005))
    return {name: float(np.median(found)) for name, found in times.items()}


def overhead(rounds: int = 15, length: int = 200) -> dict[str, float]:
    """Seconds per action of a plan of additions of tiny tensors, and of numpy's own addition."""
    role = Role(
        actions=tuple(Action("add", Ref(i), (Ref(i),), {}, (i + 1,)) for i in range(length)),
        placeholders=(Placeholder(0),),
        input_ids=(0,),
        output_ids=(length,),
    )
    plan, x = Plan.from_role(role, name="doubling"), np.zeros(2, np.float32)

    def by_numpy() -> np.ndarray:
        y = x
        for _ in range(length):
            y = np.add(y, y)
        return y

    found = [
        (timed(lambda: plan.execute(x), 1, 0.02), timed(by_numpy, 1, 0.02)) for _ in range(rounds)
    ]
    action, numpy = (median(side) / length for side in zip(*found, strict=True))
    return {"action": action, "numpy": numpy, "overhead": action - numpy}


def plan_times(steps: PlanSteps, raw: bytes) -> dict[str, float]:
    """Seconds to decode a plan, to read and check it, and to make it ready to run.

    Args:
        steps: Steps of the plan, for its arguments.
        raw: Its bytes, protobuf.
    """
    arguments = steps.arguments

    def first() -> None:
        Plan.loads(raw).execute(*arguments)

    steps.plan.execute(*arguments)
    run = timed(lambda: steps.plan.execute(*arguments))
    return {
        "decode": timed(lambda: pb.decode(pb.Plan, raw)),
        "load and check": timed(lambda: Plan.loads(raw)),
        "load, check and compile": timed(first) - run,
    }


def case_plan_times(folder: str | Path, recorded: str | Path) -> dict[str, dict[str, float]]:
    """`plan_times` of the demo's plan and of the one for the same step that PySyft recorded."""
    case = Case(folder)
    found = {"MNIST demo": plan_times(PlanSteps(case), case.plan)}
    if recorded and Path(recorded).exists():
        raw = Path(recorded).read_bytes()
        found["PySyft's, 20 KB"] = plan_times(PlanSteps(case, raw), raw)
    return found


def exists(path: str) -> bool:
    """Whether there is such a file."""
    return Path(path).exists()


def kernel_info() -> dict[str, Any]:
    """What the kernels say of themselves."""
    try:
        return dict(import_module("syft_web.kernels").info())
    except (ImportError, AttributeError):
        return {"active": "numpy", "reason": "there are no kernels"}


def google_class(descriptors: bytes, name: str) -> Any:
    """Google's class for a message, from a serialized ``FileDescriptorSet``."""
    pb2: Any = import_module("google.protobuf.descriptor_pb2")
    pool = import_module("google.protobuf.descriptor_pool").DescriptorPool()
    for file in pb2.FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
        package = file.package
    found = pool.FindMessageTypeByName(f"{package}.{name}")
    return import_module("google.protobuf.message_factory").GetMessageClass(found)


def state_times(count: int, google: Any = None, rounds: int = 5) -> dict[str, float]:
    """Seconds to write and read a State of one float32 tensor, ours and Google's in turns.

    Args:
        count: Elements.
        google: Google's class for ``State``, None when there is none here.
        rounds: How often; what takes long is measured less often.
    """
    values = np.random.default_rng(0).normal(size=count).astype(np.float32)

    def encode() -> bytes:
        return pb.encode(pb.State(tensors=[pb.StateTensor(torch_tensor=from_array(values, 1))]))

    raw = encode()
    steps: dict[str, Callable[[], Any]] = {"encode": encode, "decode": lambda: State.loads(raw)}
    if google is not None:
        steps |= _by_google(google, values, raw)
    times: dict[str, list[float]] = {step: [] for step in steps}
    for _ in range(rounds):
        for step, function in steps.items():
            if sum(times[step]) < _LONG:
                times[step].append(_once(function))
    return {step: median(found) for step, found in times.items()}


def _once(function: Callable[[], Any]) -> float:
    """Seconds of a call; short ones are called twice, and the second counts."""
    for _ in range(2):
        start = time.perf_counter()
        function()
        took = time.perf_counter() - start
        if took > 1:
            break
    return took


def _by_google(google: Any, values: np.ndarray, raw: bytes) -> dict[str, Callable[[], Any]]:
    """The same with Google's protobuf and numpy, in the quickest way that they have."""

    def encode() -> bytes:
        state = google()
        tensor = state.tensors.add().torch_tensor
        tensor.id.id_int, tensor.serializer = 1, pb.SERIALIZER_ALL
        tensor.contents_data.dtype = "float32"
        tensor.contents_data.shape.dims.append(values.size)
        for start in range(0, values.size, 1 << 20):
            tensor.contents_data.contents_float32.extend(values[start : start + (1 << 20)].tolist())
        return bytes(state.SerializeToString())

    def decode() -> np.ndarray:
        data = google.FromString(raw).tensors[0].torch_tensor.contents_data
        return np.array(data.contents_float32, dtype=np.float32)

    if values.size <= 1_000_000 and (encode() != raw or not np.array_equal(decode(), values)):
        raise AssertionError("Google's protobuf writes or reads something else")
    return {"their encode": encode, "their decode": decode}
