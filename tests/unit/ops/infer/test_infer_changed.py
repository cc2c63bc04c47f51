"""Whatever a numpy rule accepts, its shape rule accepts: no plan is refused that would run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from syft_web.ops import chance, infer
from syft_web.ops.spec import Spec, Unknown, spec_of
from tests.unit.ops.examples.base import Array, Example
from tests.unit.ops.infer.test_infer_examples import bound, filled
from tests.unit.ops.test_examples import EXAMPLES

# numpy broadcasts more than torch does: for these some operands fit by accident which torch
# refuses (three means for one channel, a gradient of another shape than the result), and the
# shape rule refuses them as torch does, or answers for operands that fit.
_NAMES = """
_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward _batch_norm_no_update
_batch_norm_with_update_functional _cdist_backward _cdist_forward _ctc_loss _embedding_bag
_embedding_bag_dense_backward _embedding_bag_per_sample_weights_backward
_native_batch_norm_legit_functional _native_batch_norm_legit_no_training _pdist_forward
_weight_norm_interface _weight_norm_interface_backward avg_pool2d_backward avg_pool3d_backward
_embedding_bag_backward
batch_norm batch_norm_backward batch_norm_backward_elemt batch_norm_backward_reduce
batch_norm_elemt batch_norm_gather_stats batch_norm_gather_stats_with_counts bilinear
convolution convolution_backward cross cumprod_backward embedding_bag embedding_dense_backward
glu_backward gru instance_norm interpolate lstm lu_solve max_pool2d_with_indices_backward
max_pool3d_with_indices_backward multi_head_attention_forward multi_margin_loss
multilabel_margin_loss multilabel_margin_loss_forward multilabel_soft_margin_loss
native_batch_norm native_batch_norm_backward native_layer_norm_backward nll_loss rnn_relu
rnn_tanh rrelu_with_noise_backward
"""
STRICTER = set(_NAMES.split())


def changed_shapes(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Shapes near this one: more, fewer, larger, unit and empty dimensions."""
    yield (1, *shape)
    yield (2, *shape)
    yield shape[1:]
    for i, n in enumerate(shape):
        for other in (n + 1, 1, 0):
            if other != n:
                yield (*shape[:i], other, *shape[i + 1 :])


def variants(arrays: list[Array]) -> Iterator[list[Array]]:
    """The arrays with one of them, or all, in another shape."""
    for i, array in enumerate(arrays):
        for shape in changed_shapes(array.shape):
            yield [*arrays[:i], np.resize(array, shape).astype(array.dtype), *arrays[i + 1 :]]
    if len(arrays) > 1:
        for grown in ((2,), (1,), (0,)):
            yield [np.resize(a, (*grown, *a.shape)).astype(a.dtype) for a in arrays]
        for size in (0, 1, 5):
            alike = [np.resize(a, (size, *a.shape[1:])) if a.ndim else a for a in arrays]
            yield [a.astype(b.dtype) for a, b in zip(alike, arrays, strict=True)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ex", EXAMPLES, ids=[f"{k}-{e.label}" for k, e in enumerate(EXAMPLES)])
def test_what_runs_is_inferred(ex: Example) -> None:
    found, arrays = bound(ex)
    if found.row.name in STRICTER:
        pytest.skip("the rule is stricter, as torch is")
    chance.reseed(0)
    for given in variants(arrays):
        try:
            with np.errstate(all="ignore"):
                values = [filled(v, given, np.array) for v in found.values]
                result = found.row.rule(*values)
        except Exception:
            continue  # what fails when it runs may be inferred or not
        check(found.row, [filled(v, given, spec_of) for v in found.values], result, given)


def check(row: Any, values: list[Any], result: Any, given: list[Array]) -> None:
    shapes = [a.shape for a in given]
    try:
        specs = infer.result_specs(row, values)
    except ValueError as error:
        pytest.fail(f"{row} with {shapes} runs, but is refused: {error}")
    actual = list(result) if isinstance(result, list | tuple) else [result]
    if row.n_outputs is None and any(isinstance(s, Unknown) for s in specs):
        return
    assert len(specs) == len(actual)
    for spec, array in zip(specs, actual, strict=True):
        if isinstance(spec, Spec):
            assert (spec.shape, spec.dtype) == (array.shape, array.dtype), (str(row), shapes)
