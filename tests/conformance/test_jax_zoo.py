"""Functions of jax, forwards and backwards, captured and compared with jax itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
authored = pytest.importorskip("syft_web.author.jax")

jnp, lax, nn = jax.numpy, jax.lax, jax.nn

W = np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)
IDS = np.array([[0, 3, 1], [5, 2, 2]], np.int32)
POSITIVE = {"log", "log2", "sqrt", "rsqrt", "pow", "cbrt", "lgamma", "digamma", "logcumsumexp"}

# Of x (rows, 6), or of images (rows, 8, 8, 3).
VECTORS: dict[str, Callable[[Any], Any]] = {
    "abs": jnp.abs,
    "arccos": lambda x: jnp.arccos(x / 9),
    "arcsinh": jnp.arcsinh,
    "arctan2": lambda x: jnp.arctan2(x, x[:, ::-1] + 3),
    "argsort": lambda x: jnp.argsort(x, axis=-1),
    "bitwise": lambda x: (x > 0) & ~(x > 1) | (x < -1),
    "cbrt": jnp.cbrt,
    "celu": nn.celu,
    "clip": lambda x: jnp.clip(x, -0.5, 0.7),
    "clip_arrays": lambda x: jnp.clip(x, W[:, 0] - 3, W[:, 0]),
    "concatenate": lambda x: jnp.concatenate([x, 2 * x[:, :2], jnp.ones((x.shape[0], 1))], 1),
    "cond": lambda x: lax.cond(x.sum() > 0, lambda v: v * 2, lambda v: v - 1, x),
    "cumsum": lambda x: jnp.cumsum(x, axis=1),
    "cumprod": lambda x: jnp.cumprod(x, axis=1),
    "cummax": lambda x: lax.cummax(x, axis=1),
    "cumsum_reverse": lambda x: lax.cumsum(x, axis=1, reverse=True),
    "digamma": lambda x: jax.scipy.special.digamma(lax.stop_gradient(x)),
    "division_of_integers": lambda x: (x * 10).astype(jnp.int32) // 3,
    "dot_batch": lambda x: jnp.einsum("bi,bj->bij", x, x),
    "dot_sum": lambda x: jnp.einsum("bi,ij,bj->b", x, W @ W.T, x),
    "dot_vector": lambda x: x @ W[:, 0],
    "dynamic_slice": lambda x: lax.dynamic_slice(x, (0, 2), (x.shape[0], 3)),
    "dynamic_update": lambda x: lax.dynamic_update_slice(jnp.ones((5, 6)), x[:1, :3] * 2, (1, 2)),
    "dynamic_place": lambda x: lax.dynamic_slice(W, (jnp.argmax(x[0]), 0), (2, 4)),
    "elu": nn.elu,
    "erf": lax.erf,
    "erf_inv": lambda x: lax.erf_inv(jnp.tanh(x) * 0.9),
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "flip": lambda x: jnp.flip(x, axis=1),
    "floor_and_co": lambda x: jnp.floor(x) + jnp.ceil(x * 2) + jnp.round(x * 3) + jnp.sign(x),
    "fori_loop": lambda x: lax.fori_loop(0, 3, lambda i, v: v * 0.5 + i, x),
    "gather_columns": lambda x: x[:, IDS],
    "gather_columns_repeated": lambda x: x[:, jnp.array([1, 1, 0])],
    "gather_rows": lambda x: jnp.asarray(W)[jnp.argmax(x, axis=1)],
    "gather_wrapped": lambda x: x[:, -1] + x[:, jnp.array([-2, 0])].sum(1),
    "gelu": nn.gelu,
    "gelu_exact": lambda x: nn.gelu(x, approximate=False),
    "glu": nn.glu,
    "hard_sigmoid": nn.hard_sigmoid,
    "hard_tanh": nn.hard_tanh,
    "index_add": lambda x: x.at[:, 1].add(2.0),
    "index_add_many": lambda x: jnp.zeros((6, 4)).at[jnp.argmax(x, axis=1)].add(1.0),
    "integer_pow": lambda x: x**3 + x**-2,
    "isfinite": jnp.isfinite,
    "leaky_relu": nn.leaky_relu,
    "lgamma": jax.scipy.special.gammaln,
    "log": jnp.log,
    "log1p": lambda x: jnp.log1p(jnp.abs(x)),
    "log2": jnp.log2,
    "log_sigmoid": nn.log_sigmoid,
    "log_softmax": nn.log_softmax,
    "logaddexp": lambda x: jnp.logaddexp(x, 2 * x),
    "logcumsumexp": lambda x: lax.cumlogsumexp(x, axis=1),
    "logsumexp": lambda x: nn.logsumexp(x, axis=1),
    "map": lambda x: lax.map(lambda column: column.sum() * column, x.T),
    "max_and_min": lambda x: x.max(1) - x.min(0)[:1] + jnp.minimum(x, 0.3).sum(1),
    "mean_var": lambda x: (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5),
    "mish": lambda x: nn.mish(x),
    "mod": lambda x: jnp.mod(x, 0.7) + lax.rem(x, 0.3),
    "nan_to_num": jnp.nan_to_num,
    "norm": lambda x: jnp.linalg.norm(x, axis=1),
    "one_hot": lambda x: nn.one_hot(jnp.argmax(x, axis=1), 6) * x,
    "outer_and_trace": lambda x: jnp.trace(x.T @ x),
    "pad": lambda x: jnp.pad(x, ((0, 0), (1, 2)), constant_values=3.0),
    "pad_inside": lambda x: lax.pad(x, 0.5, ((0, 0, 0), (1, -1, 2))),
    "pow": lambda x: x**1.7 + 2.0**x + x**x,
    "prod": lambda x: jnp.prod(lax.stop_gradient(x), axis=1),
    "relu6": nn.relu6,
    "remat": jax.checkpoint(lambda x: jnp.sin(x) * x),
    "repeat": lambda x: jnp.repeat(x, 2, axis=1) + jnp.tile(x, (1, 2)),
    "reshape": lambda x: x.reshape(x.shape[0], 2, 3).transpose(0, 2, 1).reshape(-1, 6),
    "roll": lambda x: jnp.roll(x, 2, axis=1),
    "rsqrt": lax.rsqrt,
    "scan": lambda x: lax.scan(lambda c, v: (c + v, c * v), jnp.zeros(x.shape[0]), x.T)[1],
    "scan_reverse": lambda x: lax.scan(
        lambda c, v: (c * 0.5 + v, c), jnp.zeros(x.shape[0]), x.T, reverse=True
    ),
    "selu": nn.selu,
    "silu": nn.silu,
    "sinh_and_co": lambda x: jnp.sinh(x) + jnp.cosh(x) + jnp.tan(x / 9) + jnp.arctanh(x / 9),
    "slices": lambda x: x[:, 1:5:2] * x[:, :2] + x[:1, -2:],
    "softmax": nn.softmax,
    "softplus": nn.softplus,
    "sort": lambda x: jnp.sort(x, axis=1),
    "split": lambda x: jnp.split(x, 3, axis=1)[1] * jnp.split(x, 3, axis=1)[2],
    "sqrt": jnp.sqrt,
    "squeeze": lambda x: jnp.squeeze(x[:, :1], 1) + x[:, None, 0][:, 0],
    "stack": lambda x: jnp.stack([x, x * x], axis=1),
    "standardize": nn.standardize,
    "stop_gradient": lambda x: x * lax.stop_gradient(x),
    "swapaxes": lambda x: x[:, :, None].swapaxes(1, 2) * W.sum(1),
    "take_along": lambda x: jnp.take_along_axis(x, jnp.argsort(x, axis=1)[:, :2], axis=1),
    "take_clip": lambda x: jnp.take(x, jnp.array([0, 9]), axis=1, mode="clip"),
    "top_k": lambda x: lax.top_k(x, 2),
    "triangle": lambda x: jnp.tril(x[:, :, None] * x[:, None, :]),
    "vmap": jax.vmap(lambda row: jnp.outer(row, row) @ W),
    "where": lambda x: jnp.where(x > 0, x, jnp.where(x < -1, -1.0, x * 0.1)),
    "while": lambda x: lax.while_loop(
        lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 2), (0, lax.stop_gradient(x))
    ),
}

KERNEL = np.random.default_rng(4).normal(size=(3, 3, 3, 6)).astype(np.float32) / 5
DEEP = np.random.default_rng(5).normal(size=(3, 3, 1, 6)).astype(np.float32) / 3
NHWC = ("NHWC", "HWIO", "NHWC")


def _conv(**rest: Any) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        kernel = rest.pop("kernel", KERNEL) if "kernel" in rest else KERNEL
        given = {"window_strides": (1, 1), "padding": "SAME", **rest}
        return lax.conv_general_dilated(x, kernel, dimension_numbers=NHWC, **given)

    return apply


def _pool(reducer: Any, start: float, window: Any, step: Any, padding: Any) -> Any:
    return lambda x: lax.reduce_window(x, start, reducer, window, step, padding)


IMAGES: dict[str, Callable[[Any], Any]] = {
    "avg_pool": _pool(lax.add, 0.0, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
    "avg_pool_overlapping": _pool(lax.add, 0.0, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
    "conv": _conv(),
    "conv_depthwise": lambda x: lax.conv_general_dilated(
        x, DEEP, (2, 2), "SAME", dimension_numbers=NHWC, feature_group_count=3
    ),
    "conv_dilated": _conv(rhs_dilation=(2, 2), padding="VALID"),
    "conv_of_kernel": lambda x: lax.conv_general_dilated(
        x[:1],
        x[:1].transpose(1, 2, 3, 0)[:3, :3] * KERNEL[..., :1],
        (1, 1),
        "VALID",
        dimension_numbers=NHWC,
    ),
    "conv_padded": _conv(padding=((0, 2), (1, 0))),
    "conv_strided": _conv(window_strides=(2, 3)),
    "conv_transposed": lambda x: lax.conv_transpose(x, KERNEL, (2, 2), "SAME"),
    "conv_1d": lambda x: lax.conv_general_dilated(
        x[:, 0], KERNEL[0], (1,), "SAME", dimension_numbers=("NHC", "HIO", "NHC")
    ),
    "depthwise_kernel": lambda x: lax.conv_general_dilated(
        jnp.ones((2, 8, 8, 3)),
        DEEP * x.mean(),
        (1, 1),
        "SAME",
        dimension_numbers=NHWC,
        feature_group_count=3,
    ),
    "global_max": lambda x: x.max(axis=(1, 2)),
    "max_pool": _pool(lax.max, -np.inf, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
    "max_pool_overlapping": _pool(lax.max, -np.inf, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
    "max_pool_rows": _pool(lax.max, -np.inf, (1, 3, 1, 1), (1, 1, 1, 1), "VALID"),
    "min_pool": _pool(lax.min, np.inf, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
    "max_pool_1d": lambda x: lax.reduce_window(
        x[:, 0], -jnp.inf, lax.max, (1, 2, 1), (1, 2, 1), "VALID"
    ),
    "resize_nearest": lambda x: jax.image.resize(x, (x.shape[0], 16, 16, 3), "nearest"),
    "resize_linear": lambda x: jax.image.resize(x, (x.shape[0], 5, 11, 3), "linear"),
    "local_mean": lambda x: x - x.mean(axis=(1, 2), keepdims=True),
}

CASES = [
    *(("vectors", name) for name in VECTORS),
    *(("images", name) for name in IMAGES),
]


def _both(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Results, and the gradient of a weighted sum of those that have one."""

    def apply(_: Any, x: Any) -> Any:
        def total(x: Any) -> tuple[Any, Any]:
            results = jax.tree.leaves(function(x))
            real = [r for r in results if jnp.issubdtype(r.dtype, jnp.floating)]
            return sum((jnp.sum(r * jnp.cos(r)) for r in real), 0.0 * x.sum()), results

        grad, results = jax.grad(total, has_aux=True)(x)
        return [*results, grad]

    return apply


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_same_as_jax(kind: str, name: str) -> None:
    function = (VECTORS if kind == "vectors" else IMAGES)[name]
    size = (6,) if kind == "vectors" else (8, 8, 3)
    rng = np.random.default_rng(11)
    apply = _both(function)
    plan = authored.inference_plan(apply, {}, np.zeros((4, *size), np.float32))
    x = rng.normal(size=(3, *size)).astype(np.float32)
    x = np.abs(x) + np.float32(0.1) if name in POSITIVE else x
    wanted = jax.jit(apply)({}, x)
    found = plan.execute(x)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, np.asarray(other), rtol=2e-5, atol=1e-5)
