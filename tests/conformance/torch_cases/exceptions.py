"""What is not compared with torch, or differs from it on purpose, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNSWEPT: dict[str, str] = {
    ".retain_grad": "a mark for autograd; torch refuses it without a graph",
    ".requires_grad_": "a mark for autograd; torch refuses it for ints",
    ".dequantize": "only quantized tensors need it, which plans cannot hold",
    "torch.dequantize": "only quantized tensors need it, which plans cannot hold",
    **dict.fromkeys(
        (
            "torch.kl_div",
            "torch.cosine_embedding_loss",
            "torch.triplet_margin_loss",
            "torch.hinge_embedding_loss",
            "torch.margin_ranking_loss",
        ),
        "native forms whose reduction is a number; they run as those of torch.nn.functional",
    ),
    ".tolist": "gives Python numbers in torch; a plan keeps the array",
    ".__iter__": "gives a Python iterator in torch; a plan gets the parts",
}
"""Commands that torch has and the sweep does not call."""

_WITHOUT = {
    "in torch it gives no tensor, or a mark without meaning on arrays": """
        contains deepcopy python_float python_int reversed cuda element_size share_memory_ seed
        rename
    """,
    "torch removed it, or has it for GPUs alone; numpy checks it in tests/unit/ops": """
        eig lstsq symeig batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt
        batch_norm_gather_stats batch_norm_gather_stats_with_counts batch_norm_stats
        batch_norm_update_stats fft ifft rfft irfft solve matrix_rank
    """,
    "no number of its result is defined": "resize resize_as imag",
}
WITHOUT = {name: why for why, names in _WITHOUT.items() for name in names.split()}
"""Rows that cannot be compared."""


NOT_AS_IN_1_4: dict[str, str] = {
    "div": "the quotient of ints was cut to an int; no plan of PySyft's divides ints",
    "rtruediv": "as div",
    "floor_divide": "it cut towards zero; Python and torch now round down",
    "cosine_similarity": "eps bounds each length now, not their product",
    "lerp": "it counted from the first end only, so weight 1 could miss the second",
}
"""Rows that follow torch 2.13 where torch 1.4, which recorded PySyft's plans, did otherwise."""

UNREACHED: dict[tuple[str, str], str] = {
    (".solve", "solve"): "torch has removed it",
    ("torch.solve", "solve"): "torch has removed it",
    ("torch.split", "split"): "words of older torch for the same parameter",
    ("torch.frobenius_norm", "frobenius_norm"): "without dimensions in older torch only",
}
"""A command and a row that no call to a torch of today can reach, and why."""

COPIED: dict[str, str] = {
    "sum_to_size": "torch gives the array itself where nothing is summed; we copy",
    "cartesian_prod": "torch gives a single array itself; we copy",
    "einsum": "for one operand torch gives a view; nobody writes through an einsum",
}
"""Rows whose result may be a copy where torch's is a view."""


@dataclass(frozen=True)
class Lenient:
    """Calls that torch refuses and we compute.

    Attributes:
        rows: Names of rows.
        words: What torch's refusal says.
        why: The reason.
    """

    rows: frozenset[str]
    words: re.Pattern[str]
    why: str


def _lenient(rows: str, words: str, why: str) -> Lenient:
    return Lenient(frozenset(rows.split()), re.compile(words), why)


LENIENT: tuple[Lenient, ...] = (
    _lenient(
        "matmul rmatmul mm bmm mv dot inner addmm addmv addbmm baddbmm linear cdist tensordot",
        r"same (scalar |d)type|expected scalar type|expected m1 and m2",
        "a page may give float64 data to a plan recorded with float32 weights",
    ),
    _lenient(
        "reshape view view_as",
        r"view size is not compatible",
        "a result here may lie in memory in another order than torch's",
    ),
    _lenient(
        "binary_cross_entropy binary_cross_entropy_with_logits smooth_l1_loss multi_margin_loss",
        r"between 0 and 1|match the broadcast shape|negative values for beta|only p == 1",
        "the native losses of captured plans, whose arguments were checked at the capture",
    ),
    _lenient("triplet_margin_loss", r"margin must be", "the native form takes any margin"),
    _lenient("margin_ranking_loss", r"same dimension", "the native form broadcasts"),
    _lenient("float_power", r"requires dtype Double", "the result is written into the target"),
    _lenient("cumsum cumprod", r"Bad in-place call", "the result is written into the target"),
    _lenient("tanhshrink", r"Subtraction", "bools are made floats first"),
    _lenient("nll_loss", r"should be 1D or 2D", "one row serves for images too"),
    _lenient("setitem", r"Index put requires", "assigning converts, as it does with slices"),
    _lenient(
        "fill setitem scatter masked_fill index_fill full_like new_full full",
        r"cannot be converted to type .* without overflow",
        "ints wrap around, as they do in torch's own arithmetic",
    ),
    _lenient("to", r"Invalid device string|invalid type", "one name serves for .to and .type"),
)


def lenient(row: str, refusal: str) -> bool:
    """Whether a row may compute what torch refuses with these words."""
    return any(row in known.rows and known.words.search(refusal) for known in LENIENT)
