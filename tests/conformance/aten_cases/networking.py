"""Cases of normalisation, softmax, embeddings, resizing, sampling and recurrent cells."""

from __future__ import annotations

import numpy as np

from tests.conformance.aten_cases.support import Case, case, ints, pos, r

X, C = r(3, 5), r(2, 3, 4)
LOW = np.full((2, 3), -np.inf, np.float32)
LOW[0, 1] = 1.0

CASES: list[Case] = []
for _x, _dim in ((X, 1), (X, 0), (C, -2), (r(3, 5, scale=90), 1), (np.zeros((0, 4), np.float32), 1),
                 (np.array(2.0, np.float32), 0), (r(2, 3, dtype=np.float64), 1)):  # fmt: skip
    _grad = r(*_x.shape, at=2.2, dtype=_x.dtype)
    _e = np.exp(_x - _x.max(_dim, keepdims=True)) if _x.size and _x.ndim else np.ones_like(_x)
    _soft = (_e / _e.sum(_dim, keepdims=True) if _x.ndim else _e).astype(_x.dtype)
    _kind = f"torch.{_x.dtype.name}"
    CASES += [
        case("_softmax.default", _x, _dim, False),
        case("_log_softmax.default", _x, _dim, False, tol=1e-5),
        case("_safe_softmax.default", _x, _dim),
        case("_softmax_backward_data.default", _grad, _soft, _dim, _kind),
        case("_log_softmax_backward_data.default", _grad, _x * 0 - 1, _dim, _kind),
        case("softmax.int", _x, _dim),
        case("log_softmax.int", _x, _dim, tol=1e-5),
    ]
CASES.append(case("_safe_softmax.default", LOW, 1))
CASES.append(case("_safe_softmax.default", LOW, -1, dtype="float64"))

# -- normalisation ---------------------------------------------------------------------------

for _shape in ((4, 3), (2, 3, 5), (2, 3, 4, 5), (1, 3, 2, 2, 2)):
    _x, _g = r(*_shape), r(*_shape, at=0.6)
    _w, _b, _m, _v = r(3, at=2), r(3, at=3), r(3, at=4), pos(3)
    _mean = _x.mean((0, *range(2, _x.ndim)))
    _inv = (1 / np.sqrt(_x.var((0, *range(2, _x.ndim))) + 1e-5)).astype(np.float32)
    _tol = 2e-5
    CASES += [
        case("_native_batch_norm_legit_functional.default", _x, _w, _b, _m, _v, True, 0.1, 1e-5,
             tol=_tol),
        case("_native_batch_norm_legit_functional.default", _x, _w, _b, _m, _v, False, 0.1, 1e-5,
             tol=_tol),
        case("_batch_norm_with_update_functional.default", _x, _w, _b, _m, _v, 0.3, 1e-5,
             tol=_tol),
        case("_batch_norm_no_update.default", _x, _w, _b, _m, _v, 0.1, 1e-5, tol=_tol),
        case("_native_batch_norm_legit_no_training.default", _x, _w, None, _m, _v, 0.1, 1e-5,
             tol=_tol),
        case("_native_batch_norm_legit.no_stats", _x, None, _b, True, 0.1, 1e-5, tol=_tol),
        case("_native_batch_norm_legit.default", _x, _w, _b, _m, _v, True, 0.1, 1e-5, tol=_tol),
        case("native_batch_norm.default", _x, _w, _b, _m, _v, True, 0.1, 1e-5, tol=_tol),
        case("native_batch_norm.default", _x, None, None, None, None, True, 0.1, 1e-5, tol=_tol),
        case("native_batch_norm.default", _x, _w, _b, _m, _v, False, 0.1, 1e-5, tol=_tol),
        case("batch_norm.default", _x, _w, _b, _m, _v, False, 0.1, 1e-5, False, tol=_tol),
        case("native_batch_norm_backward.default", _g, _x, _w, _m, _v, _mean, _inv, True, 1e-5,
             [True, True, True], tol=5e-5),
        case("native_batch_norm_backward.default", _g, _x, _w, _m, _v, None, None, False, 1e-5,
             [True, True, True], tol=5e-5),
        case("batch_norm_backward.default", _g, _x, _w, _m, _v, _mean, _inv, True, 1e-5,
             [True, True, True], np.zeros(0, np.uint8), tol=5e-5),
    ]  # fmt: skip
for _shape, _normal in (((4, 6), [6]), ((2, 3, 4), [3, 4]), ((2, 3, 4), [4]), ((1, 1), [1]),
                        ((0, 4), [4])):  # fmt: skip
    _x, _g = r(*_shape), r(*_shape, at=0.6)
    _w, _b = r(*_normal, at=2), r(*_normal, at=3)
    _tol = 1e-3 if _shape == (1, 1) else 5e-5  # of one element nothing but rounding is left
    _over = tuple(range(len(_shape) - len(_normal), len(_shape)))
    _mean = _x.mean(_over, keepdims=True)
    _inv = (1 / np.sqrt(_x.var(_over, keepdims=True) + 1e-5)).astype(np.float32)
    CASES += [
        case("native_layer_norm.default", _x, _normal, _w, _b, 1e-5, tol=2e-5),
        case("native_layer_norm.default", _x, _normal, None, None, 1e-5, tol=2e-5),
        case("native_layer_norm_backward.default", _g, _x, _normal, _mean, _inv, _w, _b,
             [True, True, True], tol=_tol),
        case("native_layer_norm_backward.default", _g, _x, _normal, _mean, _inv, None, None,
             [True, False, False], tol=_tol),
    ]  # fmt: skip
for _shape, _group in (((2, 6, 5), 3), ((2, 6, 3, 4), 2), ((1, 4, 3), 4), ((2, 6, 2), 1)):
    _x, _g = r(*_shape), r(*_shape, at=0.6)
    _w, _b = r(_shape[1], at=2), r(_shape[1], at=3)
    _n, _c, _hw = _shape[0], _shape[1], int(np.prod(_shape[2:]))
    _flat = _x.reshape(_n, _group, -1)
    _mean = _flat.mean(2)
    _inv = (1 / np.sqrt(_flat.var(2) + 1e-5)).astype(np.float32)
    _sizes = (_n, _c, _hw, _group)
    CASES += [
        case("native_group_norm.default", _x, _w, _b, *_sizes, 1e-5, tol=2e-5),
        case("native_group_norm.default", _x, None, None, *_sizes, 1e-5, tol=2e-5),
        case("native_group_norm_backward.default", _g, _x, _mean, _inv, _w, *_sizes,
             [True, True, True], tol=5e-5),
        case("native_group_norm_backward.default", _g, _x, _mean, _inv, None, *_sizes,
             [True, False, False], tol=5e-5),
    ]  # fmt: skip
for _dim in (0, 1, 2):
    _v = r(3, 4, 2)
    _but = tuple(a for a in range(3) if a != _dim)
    _norms = np.sqrt((_v * _v).sum(_but, keepdims=True))
    if _dim != 1:
        CASES += [
            case("_weight_norm_interface.default", _v, pos(*_norms.shape), _dim),
            case("_weight_norm_interface_backward.default", r(3, 4, 2, at=2), _v,
                 pos(*_norms.shape), _norms, _dim, tol=1e-5),
        ]  # fmt: skip

# -- embeddings ------------------------------------------------------------------------------

W = r(6, 3)
AT = ints(2, 4, below=6)
CASES += [
    case("embedding.default", W, AT),
    case("embedding.default", W, AT, 2),
    case("embedding_dense_backward.default", r(2, 4, 3), AT, 6, -1, False),
    case("embedding_dense_backward.default", r(2, 4, 3), AT, 6, 2, False),
    case("embedding_dense_backward.default", r(2, 4, 3), AT, 6, 2, True),
    case("embedding_dense_backward.default", r(5, 3), ints(5, below=4, dtype=np.int32), 6, -1,
         False),
    case("embedding_dense_backward.default", r(0, 3), ints(0), 6, -1, False),
]  # fmt: skip
FLAT, OFF = ints(8, below=6), np.array([0, 3, 3, 5])
_OWNER = np.repeat(np.arange(4), [3, 0, 2, 3])
_SIZES = np.array([3, 0, 2, 3])
for _mode in (0, 1):
    CASES += [
        case("_embedding_bag_dense_backward.default", r(4, 3), FLAT, _OWNER, _SIZES,
             np.zeros(0, np.int64), 6, False, _mode, None, tol=1e-5),
        case("_embedding_bag_dense_backward.default", r(4, 3), FLAT, _OWNER, _SIZES,
             np.zeros(0, np.int64), 6, False, _mode, None, 2, tol=1e-5),
    ]  # fmt: skip
CASES += [
    case("_embedding_bag_dense_backward.default", r(4, 3), FLAT, _OWNER, _SIZES,
         np.zeros(0, np.int64), 6, False, 0, r(8), tol=1e-5),
    case("_embedding_bag_dense_backward.default", r(4, 3), FLAT, _OWNER, _SIZES,
         np.array([[1, 2, 3], [-1, -1, -1], [0, 0, 1], [5, 5, 5]]), 6, False, 2, None),
    case("_embedding_bag_per_sample_weights_backward.default", r(4, 3), W, FLAT, OFF, _OWNER, 0),
    case("_embedding_bag_per_sample_weights_backward.default", r(4, 3), W, FLAT, OFF, _OWNER, 0,
         2),
]  # fmt: skip

# Bags forward: torch's second result is empty or not by what it needs, so only what counts.
for _mode in (0, 1, 2):
    for _name in ("_embedding_bag", "_embedding_bag_forward_only"):
        CASES += [
            case(f"{_name}.default", W, FLAT, OFF, False, _mode, only=(0,)),
            case(f"{_name}.default", W, FLAT, OFF, False, _mode, False, None, False, 2, only=(0,)),
            case(f"{_name}.default", W, FLAT, np.array([0, 3, 3, 5, 8]), False, _mode, False, None,
                 True, only=(0,)),
        ]  # fmt: skip
CASES += [
    case("_embedding_bag.default", W, FLAT, OFF, False, 0, False, r(8), only=(0,)),
    case("embedding_bag.default", W, FLAT, OFF, only=(0,)),
    case("embedding_bag.padding_idx", W, FLAT, OFF, False, 1, False, None, False, 2, only=(0,)),
    case("F.embedding_bag", FLAT, W, OFF),
    case("F.embedding_bag", ints(3, 4, below=6), W, mode="max"),
    case("F.embedding_bag", FLAT, W, OFF, mode="sum", per_sample_weights=r(8)),
]

for _mode in (0, 1):
    CASES.append(
        case("_embedding_bag_backward.default", r(4, 3), FLAT, OFF, _OWNER, _SIZES,
             np.zeros(0, np.int64), 6, False, _mode, False, None, 2, tol=1e-5)
    )  # fmt: skip

# -- recurrent cells -------------------------------------------------------------------------

for _name, _gates in (("lstm_cell", 4), ("gru_cell", 3), ("rnn_tanh_cell", 1),
                      ("rnn_relu_cell", 1)):  # fmt: skip
    _state = r(2, 4, at=2)
    CASES.append(
        case(f"{_name}.default", r(2, 3), [_state, r(2, 4, at=3)] if _gates == 4 else _state,
             r(4 * _gates, 3), r(4 * _gates, 4, at=2), r(4 * _gates), r(4 * _gates, at=3))
    )  # fmt: skip

# -- whole recurrent networks ----------------------------------------------------------------

_SETTINGS = ((1, False, True), (2, True, True), (2, True, False))
for _name, _gates in (("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)):
    for _layers, _both, _biases in _SETTINGS:
        _ways = 2 if _both else 1
        _params = []
        for _layer in range(_layers):
            for _way in range(_ways):
                _in = 3 if _layer == 0 else 4 * _ways
                _own = [r(4 * _gates, _in, scale=0.5), r(4 * _gates, 4, at=2, scale=0.5)]
                _params += [*_own, r(4 * _gates), r(4 * _gates, at=3)] if _biases else _own
        _state = r(_layers * _ways, 2, 4)
        _hx = [_state, r(_layers * _ways, 2, 4, at=2)] if _gates == 4 else _state
        _rest = (_params, _biases, _layers, 0.0, True, _both)
        CASES += [
            case(f"{_name}.input", r(5, 2, 3), _hx, *_rest, False, tol=1e-5),
            case(f"{_name}.input", r(2, 5, 3), _hx, *_rest, True, tol=1e-5),
            case(f"{_name}.data", r(5, 3), np.array([2, 2, 1]), _hx, *_rest, tol=1e-5),
        ]
_PROJECTED = [r(16, 3, scale=0.5), r(16, 2, scale=0.5), r(16), r(16, at=3), r(2, 4)]
CASES.append(
    case("lstm.input", r(5, 2, 3), [r(1, 2, 2), r(1, 2, 4)], _PROJECTED, True, 1, 0.0, False,
         False, False, tol=1e-5)
)  # fmt: skip

# -- attention -------------------------------------------------------------------------------

Q, K, V = r(2, 3, 4, 6), r(2, 3, 5, 6, at=2), r(2, 3, 5, 2, at=3)
_BLOCK = np.arange(20).reshape(4, 5) % 3 > 0
CASES += [
    case("scaled_dot_product_attention.default", Q, K, V, tol=1e-5),
    case("scaled_dot_product_attention.default", Q, K, V, _BLOCK, tol=1e-5),
    case("scaled_dot_product_attention.default", Q, K, V, r(4, 5), 0.0, False, scale=0.3, tol=1e-5),
    case("F.scaled_dot_product_attention", Q, K, V, is_causal=True, tol=1e-5),
]
_ATT = (6, 2, r(18, 6, scale=0.5), r(18), None, None, False, 0.0, r(6, 6, at=2), r(6))
_SEQ, _MEM = r(4, 2, 6), r(5, 2, 6, at=2)
_PAD = np.array([[False, False, True, False, True], [False] * 5])
CASES += [
    case("F.multi_head_attention_forward", _SEQ, _MEM, _MEM, *_ATT, tol=1e-5),
    case("F.multi_head_attention_forward", _SEQ, _MEM, _MEM, *_ATT, True, _PAD, True, ~_BLOCK,
         tol=1e-5),
    case("F.multi_head_attention_forward", _SEQ, _MEM, _MEM, *_ATT, True, None, True, r(4, 4, 5),
         tol=1e-5, average_attn_weights=False),
    case("F.multi_head_attention_forward", _SEQ, _MEM, _MEM, 6, 2, None, r(18), r(1, 1, 6),
         r(1, 1, 6), True, 0.0, r(6, 6), None, True, _PAD, True, None, True, r(6, 6, at=3),
         r(6, 6, at=4), r(6, 6, at=5), tol=1e-5),
    case("F.multi_head_attention_forward", r(4, 6), r(5, 6), r(5, 6), *_ATT, tol=1e-5),
]  # fmt: skip

# -- statistics of parts of a batch -------------------------------------------------------------

CASES += [
    case("T.instance_norm", r(2, 3, 5), pos(3), r(3), None, None, True, 0.1, 1e-5, False, tol=1e-5),
    case("T.batch_norm_update_stats", r(4, 3, 5), r(3), pos(3), 0.1),
    case("F.rms_norm", X, [5], r(5)),
    case("rms_norm.default", C, [3, 4]),
]

# -- random activations, where nothing is random ----------------------------------------------

CASES += [
    case("F.rrelu", X),
    case("T.rrelu", X, 0.1, 0.3),
    case("F.alpha_dropout", X),
    case("T.alpha_dropout", X, 0.5, False),
    case("F.feature_alpha_dropout", C),
    case("T.feature_alpha_dropout", C, 0.0, True),
    case("T.feature_dropout", C, 0.5, False),
    case("F.dropout1d", C, 0.3, False),
    case("F.gumbel_softmax", X, shape_only=True),
    case("F.gumbel_softmax", X, hard=True, dim=0, shape_only=True),
]

# -- resizing ----------------------------------------------------------------------------------

for _dims, _word, _shape in ((1, "linear", (2, 3, 5)), (2, "bilinear", (2, 3, 5, 4)),
                             (3, "trilinear", (1, 2, 3, 4, 5))):  # fmt: skip
    _sizes = [[7, 3, 4][:_dims], [10, 8, 10][:_dims], [1, 2, 1][:_dims], list(_shape[2:])]
    _x = r(*_shape)
    for _size in _sizes:
        _g = r(*_shape[:2], *_size, at=2)
        for _name in (f"upsample_nearest{_dims}d", f"_upsample_nearest_exact{_dims}d"):
            CASES += [
                case(f"{_name}.default", _x, _size),
                case(f"{_name}_backward.default", _g, _size, list(_shape), tol=1e-5),
            ]
        _names = [f"upsample_{_word}{_dims}d", *(["upsample_bicubic2d"] if _dims == 2 else [])]
        for _name in _names:
            for _align in (False, True):
                CASES += [
                    case(f"{_name}.default", _x, _size, _align, tol=1e-5),
                    case(f"{_name}_backward.default", _g, _size, list(_shape), _align, tol=2e-5),
                ]
    _factors = [2.0, 1.5, 0.7][:_dims]
    _size = [int(n * f) for n, f in zip(_shape[2:], _factors, strict=True)]
    for _name in (f"upsample_nearest{_dims}d", f"_upsample_nearest_exact{_dims}d"):
        CASES += [
            case(f"{_name}.default", _x, _size, *_factors),
            case(f"{_name}.vec", _x, None, _factors),
            case(f"{_name}.vec", _x, _size, None),
        ]
    for _name in [f"upsample_{_word}{_dims}d", *(["upsample_bicubic2d"] if _dims == 2 else [])]:
        CASES += [
            case(f"{_name}.default", _x, _size, False, *_factors, tol=1e-5),
            case(f"{_name}.vec", _x, None, False, _factors, tol=1e-5),
        ]

# -- sampling ----------------------------------------------------------------------------------

_IMAGE, _GRID = r(2, 3, 5, 4), r(2, 3, 6, 2, scale=1.4)
_VOLUME, _POINTS = r(1, 2, 3, 4, 5), r(1, 2, 3, 2, 3, scale=1.4)
for _padding in (0, 1, 2):
    for _align in (False, True):
        for _mode in (0, 1, 2):
            CASES += [
                case("grid_sampler_2d.default", _IMAGE, _GRID, _mode, _padding, _align, tol=2e-5),
                case("grid_sampler_2d_backward.default", r(2, 3, 3, 6), _IMAGE, _GRID, _mode,
                     _padding, _align, [True, True], tol=5e-5),
            ]  # fmt: skip
        for _mode in (0, 1):
            CASES += [
                case("grid_sampler_3d.default", _VOLUME, _POINTS, _mode, _padding, _align,
                     tol=2e-5),
                case("grid_sampler_3d_backward.default", r(1, 2, 2, 3, 2), _VOLUME, _POINTS, _mode,
                     _padding, _align, [True, True], tol=5e-5),
            ]  # fmt: skip
CASES += [
    case("grid_sampler.default", _IMAGE, _GRID, 0, 0, False, tol=1e-5),
    case("F.grid_sample", _IMAGE, _GRID, "bicubic", "border", True, tol=2e-5),
]
for _align in (False, True):
    CASES += [
        case("affine_grid_generator.default", r(2, 2, 3), [2, 3, 4, 5], _align),
        case("affine_grid_generator.default", r(2, 3, 4), [2, 3, 4, 1, 2], _align),
        case("affine_grid_generator_backward.default", r(2, 4, 5, 2), [2, 3, 4, 5], _align,
             tol=1e-5),
        case("F.affine_grid", r(2, 2, 3), [2, 3, 4, 5], _align),
    ]  # fmt: skip
