"""syft_web.author.tfjs: torch roles in TensorFlow.js's words, run by us and by syft.js itself."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.mnist import plan as mnist
from syft_web.author.tfjs import to_tfjs, with_tfjs
from syft_web.author.tracing import torch, trace
from syft_web.errors import TracingError
from syft_web.plan.plan import Plan, State
from tests.paths import ROOT

RNG = np.random.default_rng(2)
A = RNG.normal(size=(4, 3)).astype(np.float32)
B = (RNG.normal(size=(4, 3)) ** 2 + 0.5).astype(np.float32)
W = RNG.normal(size=(3, 5)).astype(np.float32)
V = RNG.normal(size=(5, 3)).astype(np.float32)
C = RNG.normal(size=5).astype(np.float32)
CUBE = RNG.normal(size=(2, 3, 4)).astype(np.float32)

CASES = {
    "arithmetic": (lambda a, b: (a + b, a - b, a * b, a / b, b**a, -a), A, B),
    "numbers": (lambda a, b: (2 - a, 2 / b, 3 * a, 1 + a, a + 2, 2**a, a**2), A, B),
    "unary": (lambda a, b: (b.log(), b.sqrt(), a.exp(), a.abs(), a.tanh(), a.relu()), A, B),
    "compare": (lambda a, b: [f.float() for f in (a > b, a >= b, a < b, a <= b, a == b)], A, B),
    "matmul": (lambda a, w: (a @ w, a.matmul(w), torch.mm(a, w)), A, W),
    "linear": (lambda a, v, c: torch.nn.functional.linear(a, v, c), A, V, C),
    "linear without bias": (lambda a, v: torch.nn.functional.linear(a, v), A, V),
    "reduce": (lambda a: (a.sum(), a.sum(1), a.sum(dim=[0], keepdim=True), a.mean(dim=0)), A),
    "extremes": (lambda a: (a.max(), a.min(), a.max(dim=1, keepdim=True)[0], a.amin(dim=0)), A),
    "argmax": (lambda a: (torch.argmax(a, dim=1).float(), a.argmin(0).float()), A),
    "softmax": (lambda a: (torch.softmax(a, dim=1), torch.log_softmax(a, -1)), A),
    "shapes": (lambda a: (a.t(), a.reshape(2, 6), a.view([-1]), a.unsqueeze(1), a.clone()), A),
    "axes": (lambda c: (c.transpose(0, 2), c.transpose(-1, 1), c.permute(2, 0, 1)), CUBE),
    "integers divide as in torch": (lambda a, b: (a > b).sum(dim=0) / (a < 9).sum(), A, B),
    "in place": (lambda a, b: (a * 1).add_(b).mul_(2), A, B),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_roles_agree(name):
    function, *args = CASES[name]
    plan = with_tfjs(trace(function, *args))
    again = Plan.loads(plan.dumps(), framework="tfjs")
    torch_results, tf_results = plan.execute(*args), again.execute(*args)
    for ours, theirs in zip(torch_results, tf_results, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-6)
        assert theirs.shape == ours.shape


@pytest.mark.parametrize("name", CASES)
def test_what_syftjs_can_execute(name):
    """By position only, no target, one result, no references inside lists."""
    function, *args = CASES[name]
    for action in to_tfjs(trace(function, *args).role).actions:
        assert action.command.startswith("tf.")
        assert action.target is None
        assert not action.kwargs
        assert len(action.return_ids) == 1
        for arg in action.args:
            assert not isinstance(arg, list) or all(isinstance(item, int) for item in arg)


def test_the_torch_role_still_runs_by_default():
    plan = with_tfjs(trace(lambda a: a * 2, A))
    assert (plan.framework, set(plan.roles)) == ("torch", {"torch", "tfjs"})
    assert Plan.loads(plan.dumps()).framework == "torch"


@pytest.mark.parametrize(
    ("function", "args", "words"),
    [
        (lambda a: torch.cat([a, a]), (A,), r"action 0 \(torch.cat\).*no such operation"),
        (lambda a: a.max(dim=1), (A,), "only the first of several results"),
        (lambda a: a.argmax(), (A,), "needs a dim"),
        (lambda a: a.add(a, alpha=2), (A,), "alpha=2"),
        (lambda a: torch.softmax(a, dim=0), (A,), "last dimension only"),
        (lambda a: (a * 1).t().add_(1), (A,), "shares"),
        (lambda a: a.sum(dim=0, dtype=np.float64), (A,), "dtype"),
        (lambda a: torch.div(a, 2, rounding_mode="floor"), (A,), "rounding mode"),
    ],
)
def test_what_has_no_counterpart_is_refused(function, args, words):
    with pytest.raises(TracingError, match=words):
        with_tfjs(trace(function, *args))


# The original client


def mnist_cases():
    x = RNG.random((6, mnist.PIXELS), dtype=np.float32)
    y = np.eye(mnist.CLASSES, dtype=np.float32)[:6]
    params = mnist.initial_model().tensors
    return {
        "training": (mnist.training_plan(), [x, y, 6, 0.5, *params]),
        "inference": (mnist.inference_plan(), [x, *params]),
    }


@pytest.fixture(scope="module")
def node_modules():
    """Where the original syft.js is. In CI it must be had."""
    install = ROOT / "tests" / "grid" / "node" / "install.py"
    try:
        done = subprocess.run(
            [sys.executable, str(install)], check=True, stdout=subprocess.PIPE, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the original client cannot be installed from npm: {error}")
    return done.stdout.strip()


@pytest.mark.timeout(300)
def test_syftjs_itself_gives_what_the_torch_role_gives(node_modules, tmp_path):
    cases = {name: (with_tfjs(trace(f, *args)), args) for name, (f, *args) in CASES.items()}
    cases |= mnist_cases()

    def plain(arg):
        shaped = isinstance(arg, np.ndarray)
        return {"shape": arg.shape, "data": arg.ravel().tolist()} if shaped else arg

    def coded(data):
        return base64.b64encode(data).decode()

    plans = []
    for name, (plan, args) in cases.items():
        only = Plan.from_role(plan.roles["tfjs"], name=name, framework="tfjs")
        plans.append({"name": name, "plan": coded(only.dumps()), "args": [*map(plain, args)]})
    task, result = tmp_path / "task.json", tmp_path / "result.json"
    task.write_text(json.dumps({"model": coded(State.of([A]).dumps()), "plans": plans}))
    script = Path(__file__).parent / "node" / "run_plans.js"
    subprocess.run(
        ["node", str(script), str(task), str(result)],
        env={**os.environ, "NODE_PATH": node_modules},
        check=True,
        timeout=200,
    )
    results = json.loads(result.read_text())
    for name, (plan, args) in cases.items():
        assert isinstance(results[name], list), (name, results[name])
        expected = plan.execute(*args)
        assert [tuple(r["shape"]) for r in results[name]] == [e.shape for e in expected], name
        for ours, theirs in zip(expected, results[name], strict=True):
            np.testing.assert_allclose(
                np.reshape(theirs["data"], ours.shape), ours, rtol=1e-5, atol=1e-6, err_msg=name
            )
