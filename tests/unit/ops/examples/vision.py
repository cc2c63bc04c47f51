"""Examples for the rows of `conv`, `image` and `recurrent`."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tests.unit.ops.examples.base import Array, Example, example, f, i, ramp
from tests.unit.ops.examples.network import IMAGE, F, channels, sig


def naive_conv(
    x: Array,
    w: Array,
    bias: Array | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """One element at a time, in float64."""
    dims = x.ndim - 2
    x64 = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *[(padding, padding)] * dims])
    outs = [
        (n - dilation * (k - 1) - 1) // stride + 1
        for n, k in zip(x64.shape[2:], w.shape[2:], strict=True)
    ]
    y = np.zeros((x.shape[0], w.shape[0], *outs))
    per_in, per_out = w.shape[1], w.shape[0] // groups
    for o in range(w.shape[0]):
        block = x64[:, o // per_out * per_in :][:, :per_in]
        for place in itertools.product(*map(range, outs)):
            cut = tuple(
                slice(p * stride, p * stride + dilation * (k - 1) + 1, dilation)
                for p, k in zip(place, w.shape[2:], strict=True)
            )
            window = block[(slice(None), slice(None), *cut)]
            y[(slice(None), o, *place)] = (window * w[o]).sum(tuple(range(1, 2 + dims)))
    if bias is not None:
        y += channels(bias, x.ndim)
    return y.astype(np.float32)


def naive_transposed(
    x: Array,
    w: Array,
    stride: int = 1,
    padding: int = 0,
    extra: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """Each input element adds its kernel to the output, in float64."""
    dims = x.ndim - 2
    sizes = [
        (n - 1) * stride + dilation * (k - 1) + 1 + extra
        for n, k in zip(x.shape[2:], w.shape[2:], strict=True)
    ]
    per_in, per_out = w.shape[0] // groups, w.shape[1]
    y = np.zeros((x.shape[0], per_out * groups, *sizes))
    for c in range(x.shape[1]):
        g = c // per_in
        for place in itertools.product(*map(range, x.shape[2:])):
            cut = tuple(
                slice(p * stride, p * stride + dilation * (k - 1) + 1, dilation)
                for p, k in zip(place, w.shape[2:], strict=True)
            )
            part = x[(slice(None), c, *place)].astype(np.float64)
            y[(slice(None), slice(g * per_out, (g + 1) * per_out), *cut)] += (
                part.reshape(-1, 1, *(1,) * dims) * w[c]
            )
    inner = tuple(slice(padding, s - padding) for s in sizes)
    return y[(slice(None), slice(None), *inner)].astype(np.float32)


LINE, W1, W2, W3 = ramp(2, 4, 9), ramp(6, 4, 3), ramp(5, 3, 2, 3), ramp(2, 2, 2, 2, 2)
CUBE = ramp(1, 2, 3, 4, 3)
CLOSE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}
CONV: list[Example] = [
    example(f"{F}conv1d", LINE, W1, ramp(6), want=naive_conv(LINE, W1, ramp(6)), **CLOSE),
    example(f"{F}conv1d", LINE, W1, padding="same", want=naive_conv(LINE, W1, padding=1), **CLOSE),
    example(f"{F}conv1d", LINE[0], W1, want=naive_conv(LINE[:1], W1)[0], **CLOSE),
    example(
        f"{F}conv1d",
        LINE,
        ramp(6, 2, 3),
        stride=2,
        padding=2,
        dilation=2,
        groups=2,
        **CLOSE,
        want=naive_conv(LINE, ramp(6, 2, 3), None, 2, 2, 2, 2),
    ),
    example(
        "torch.conv2d", IMAGE, W2, ramp(5), 2, 1, want=naive_conv(IMAGE, W2, ramp(5), 2, 1), **CLOSE
    ),
    example(f"{F}conv2d", IMAGE, W2, None, [1, 1], [0, 0], want=naive_conv(IMAGE, W2), **CLOSE),
    example(f"{F}conv2d", IMAGE, W2, padding="valid", want=naive_conv(IMAGE, W2), **CLOSE),
    example(f"{F}conv3d", CUBE, W3, want=naive_conv(CUBE, W3), **CLOSE),
    example(f"{F}conv3d", CUBE, W3, padding="valid", want=naive_conv(CUBE, W3), **CLOSE),
    example(
        f"{F}conv_transpose1d",
        LINE,
        ramp(4, 2, 3),
        want=naive_transposed(LINE, ramp(4, 2, 3)),
        **CLOSE,
    ),
    example(
        f"{F}conv_transpose1d",
        LINE,
        ramp(4, 2, 3),
        None,
        2,
        1,
        1,
        2,
        2,
        **CLOSE,
        want=naive_transposed(LINE, ramp(4, 2, 3), 2, 1, 1, 2, 2),
    ),
    example(
        "torch.conv_transpose2d",
        IMAGE,
        ramp(3, 2, 2, 2),
        ramp(2),
        2,
        **CLOSE,
        want=naive_transposed(IMAGE, ramp(3, 2, 2, 2), 2) + channels(ramp(2), 4),
    ),
    example(
        f"{F}conv_transpose3d",
        CUBE,
        ramp(2, 1, 2, 2, 2),
        padding=1,
        **CLOSE,
        want=naive_transposed(CUBE, ramp(2, 1, 2, 2, 2), padding=1),
    ),
    example(f"{F}max_pool1d", f([[[1, 5, 2, 4]]]), 2, want=f([[[5, 4]]])),
    example(f"{F}max_pool1d", f([[[1, 5, 2]]]), 2, ceil_mode=True, want=f([[[5, 2]]])),
    example(
        "torch.max_pool1d_with_indices", f([[[1, 5, 2, 4]]]), 2, want=[f([[[5, 4]]]), i([[[1, 3]]])]
    ),
    example(
        "torch.max_pool2d",
        f([[[[-1, -2], [-3, -4]]]]),
        2,
        1,
        1,
        want=f([[[[-1, -1, -2], [-1, -1, -2], [-3, -3, -4]]]]),
    ),
    example(
        f"{F}max_pool2d_with_indices", f([[[[1, 2], [4, 3]]]]), 2, want=[f([[[[4]]]]), i([[[[2]]]])]
    ),
    *(
        example(
            f"{F}max_pool{n}d",
            np.arange(2**n, dtype=np.float32).reshape(1, 1, *(2,) * n),
            2,
            return_indices=True,
            want=[
                np.full((1,) * (n + 2), 2**n - 1, np.float32),
                np.full((1,) * (n + 2), 2**n - 1, np.int64),
            ],
        )
        for n in (1, 2, 3)
    ),
    example(f"{F}max_pool3d", CUBE, [1, 2, 3], want=CUBE.reshape(1, 2, 3, 2, 2, 1, 3).max((4, 6))),
    example(
        "torch.max_pool3d_with_indices",
        np.ones((1, 1, 1, 1, 2), np.float32),
        [1, 1, 2],
        want=[np.ones((1, 1, 1, 1, 1), np.float32), i([[[[[0]]]]])],
    ),
    example(f"{F}avg_pool1d", f([[[1, 5, 2, 4]]]), 2, want=f([[[3, 3]]])),
    example(f"{F}avg_pool1d", f([[[1, 5, 2]]]), 2, ceil_mode=True, want=f([[[3, 2]]])),
    example(f"{F}avg_pool2d", f([[[[4, 8], [12, 16]]]]), 2, 2, 1, want=f([[[[1, 2], [3, 4]]]])),
    example(
        f"{F}avg_pool2d",
        f([[[[4, 8], [12, 16]]]]),
        2,
        2,
        1,
        count_include_pad=False,
        want=f([[[[4, 8], [12, 16]]]]),
    ),
    example(f"{F}avg_pool2d", f([[[[4, 8], [12, 16]]]]), 2, divisor_override=2, want=f([[[[20]]]])),
    example(
        f"{F}avg_pool3d",
        CUBE,
        [1, 2, 3],
        want=CUBE.reshape(1, 2, 3, 2, 2, 1, 3).mean((4, 6)),
        **CLOSE,
    ),
    example(f"{F}adaptive_avg_pool1d", f([[[1, 2, 3]]]), 2, want=f([[[1.5, 2.5]]])),
    example(
        f"{F}adaptive_avg_pool2d", IMAGE, [1, 1], want=IMAGE.mean((2, 3), keepdims=True), **CLOSE
    ),
    example(f"{F}adaptive_avg_pool3d", CUBE, 1, want=CUBE.mean((2, 3, 4), keepdims=True), **CLOSE),
    example(f"{F}adaptive_max_pool1d", f([[[1, 2, 3]]]), 2, want=f([[[2, 3]]])),
    example(f"{F}adaptive_max_pool2d", IMAGE, 1, want=IMAGE.max((2, 3), keepdims=True)),
    example(f"{F}adaptive_max_pool3d", CUBE, 1, want=CUBE.max((2, 3, 4), keepdims=True)),
]

SHUFFLED = ramp(1, 8, 2, 3).reshape(1, 2, 2, 2, 2, 3).transpose(0, 1, 4, 2, 5, 3)
UNFOLDED = np.stack(
    [ramp(1, 2, 3, 3)[:, :, r : r + 2, c : c + 2].reshape(1, 8) for r in (0, 1) for c in (0, 1)], -1
)
ONES = np.ones((1, 4, 4), np.float32)
OTHERS: list[Example] = [
    example("torch.pixel_shuffle", ramp(1, 8, 2, 3), 2, want=SHUFFLED.reshape(1, 2, 4, 6)),
    example(f"{F}unfold", ramp(1, 2, 3, 3), 2, want=UNFOLDED),
    example(f"{F}fold", ONES, [3, 3], [2, 2], want=f([[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]])),
    example(f"{F}fold", ONES, 2, 2, padding=1, stride=2, want=np.ones((1, 1, 2, 2), np.float32)),
    example(f"{F}interpolate", f([[[1, 2]]]), scale_factor=2.0, want=f([[[1, 1, 2, 2]]])),
    example(
        f"{F}interpolate", f([[[[1, 2], [3, 4]]]]), [3, 2], want=f([[[[1, 2], [1, 2], [3, 4]]]])
    ),
    example(
        f"{F}interpolate", f([[[0, 4]]]), scale_factor=2, mode="linear", want=f([[[0, 1, 3, 4]]])
    ),
    example(
        f"{F}interpolate",
        f([[[[0, 4]]]]),
        [1, 3],
        mode="bilinear",
        align_corners=True,
        want=f([[[[0, 2, 4]]]]),
    ),
    example(
        f"{F}local_response_norm",
        f([[[1], [2], [3]]]),
        2,
        alpha=1.0,
        beta=1.0,
        want=f([[[1 / 1.5], [2 / 3.5], [3 / 7.5]]]),
    ),
]


def cells() -> list[Example]:
    x, h, c = ramp(2, 3), ramp(2, 4) / 2, ramp(2, 4)[::-1].copy()
    made = []
    for name, gates in (("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)):
        w, u = ramp(4 * gates, 3) / 2, ramp(4 * gates, 4)[::-1].copy() / 2
        bi, bh = ramp(4 * gates), -ramp(4 * gates)[::-1].copy()
        a, b = x @ w.T + bi, h @ u.T + bh
        s, t = a + b, lambda z, k: z[:, 4 * k : 4 * k + 4]
        if name == "lstm":
            kept = sig(t(s, 1)) * c + sig(t(s, 0)) * np.tanh(t(s, 2))
            want: Any = [sig(t(s, 3)) * np.tanh(kept), kept]
        elif name == "gru":
            new = np.tanh(t(a, 2) + sig(t(s, 0)) * t(b, 2))
            want = (1 - sig(t(s, 1))) * new + sig(t(s, 1)) * h
        else:
            want = np.tanh(s) if name == "rnn_tanh" else np.maximum(s, 0)
        hidden: Any = [h, c] if name == "lstm" else h
        made.append(example(f"torch.{name}_cell", x, hidden, w, u, bi, bh, want=want, rtol=1e-5))
    return made


EXAMPLES: list[Example] = [*CONV, *OTHERS, *cells()]
