"""What can be captured from PyTorch, and what cannot: for people, as text or Markdown.

Needs no torch, so that ``syft-web ops --capture`` can tell anybody.
"""

from __future__ import annotations

__all__ = ["COMPARED", "LIMITS", "report"]

LIMITS: tuple[tuple[str, str, str], ...] = (
    (
        "`if`, `while` or a loop on the values of a tensor",
        "a plan is the same list of operations for all data",
        "`torch.where`, masks, `clamp`",
    ),
    (
        "`.item()`, `float(x)`, `.numpy()`, `.tolist()`",
        "values are not known while a plan is recorded",
        "compute with tensors to the end",
    ),
    (
        "`CTCLoss`, `nonzero`, `unique`, indexing by a mask",
        "the number of results depends on the values",
        "masks and sums; other losses",
    ),
    (
        "`if x.shape[0] > 8`",
        "the batch size is open: a plan runs with any",
        "`dynamic_batch=False`, which captures for one batch size",
    ),
    (
        "`affine_grid` with an open batch size",
        "PyTorch's own gradient wants a fixed one",
        "`dynamic_batch=False`",
    ),
    ("modules made by `torch.compile`", "they hide their operations", "`model._orig_mod`"),
    ("TorchScript modules", "they hide their operations", "the module they were made from"),
    ("`BatchNorm(momentum=None)`", "its step depends on a count", "a number as momentum"),
    ("sparse gradients", "there are no sparse arrays", "`sparse=False`"),
    ("bfloat16, complex numbers, quantised tensors", "numpy has no such arrays", "float32"),
    (
        "optimizers but SGD, Adam, AdamW, Adamax, RMSprop, Adagrad, Adadelta",
        "their steps are not written as functions yet",
        "one of these",
    ),
    (
        "`LBFGS` and others that call the loss several times",
        "a plan is one step",
        "`SGD`, `Adam`",
    ),
    (
        "parametrisations that change the module (`weight_norm` of old)",
        "capture reads the parameters as they are",
        "`torch.nn.utils.parametrizations`",
    ),
    (
        "learning rate schedules",
        "a plan is one step; `lr` is one of its inputs",
        "another `lr` in the client config of another version",
    ),
    (
        "operations that are in no row of the op table, and that PyTorch cannot express by others",
        "nothing else is ever executed",
        "`syft-web ops` lists the rows; the error names the operation and your line",
    ),
)
"""What, why, and what to do instead."""

_NAMES = """
AdaptiveAvgPool1d; AdaptiveAvgPool2d; AdaptiveAvgPool2d 1; AdaptiveMaxPool2d; amax;
atan2 and hypot; AvgPool1d; AvgPool2d; AvgPool2d no pad; AvgPool3d; BatchNorm1d;
BatchNorm2d; BatchNorm2d frozen; BatchNorm2d no statistics; BatchNorm2d plain; BCELoss;
BCEWithLogitsLoss; BCEWithLogitsLoss weighted; Bilinear; causal attention; cdist; CELU;
ChannelShuffle; clamp; ConstantPad1d; Conv1d; Conv1d same; Conv2d; Conv2d circular;
Conv2d depthwise; Conv2d dilated; Conv2d groups; Conv3d; ConvTranspose1d; ConvTranspose2d;
CosineEmbeddingLoss; CosineSimilarity; CrossEntropyLoss; CrossEntropyLoss pixels;
CrossEntropyLoss smooth; CrossEntropyLoss soft; cumprod; cumsum; einsum; ELU; Embedding;
Embedding padded; EmbeddingBag; EmbeddingBag sum; erf; Flatten and Unflatten; flip and roll;
Fold and Unfold; gather; GaussianNLLLoss; GELU; GELU tanh; GLU; grid_sample; GroupNorm; GRU;
GRUCell; Hardshrink; Hardsigmoid; Hardswish; Hardtanh; HingeEmbeddingLoss; HuberLoss;
Identity; index; InstanceNorm2d; KLDivLoss; L1Loss; LayerNorm; LayerNorm plain; LeakyReLU;
Linear; Linear no bias; LocalResponseNorm; LogSigmoid; LogSoftmax; logsumexp; LPPool2d;
LSTM both ways; LSTM projected; LSTMCell; MarginRankingLoss; max and min of a dim;
MaxPool1d; MaxPool2d; MaxPool2d ceil; MaxPool3d; MaxUnpool2d; Mish; MSELoss;
MultiheadAttention; MultiheadAttention extra; MultiLabelMarginLoss;
MultiLabelSoftMarginLoss; MultiMarginLoss; NLLLoss; norm; normalize; one_hot;
PairwiseDistance; PixelShuffle; PixelUnshuffle; PoissonNLLLoss; pow; PReLU; prod;
ReflectionPad2d; ReLU; ReLU6; repeat; ReplicationPad2d; RMSNorm; RNN; RNN relu, two layers;
SELU; Sigmoid; SiLU; SmoothL1Loss; SoftMarginLoss; Softmax; Softmax2d; Softmin; Softplus;
Softshrink; Softsign; sort; spectral_norm; std and var; Tanh; Tanhshrink; Threshold; topk;
TransformerDecoderLayer; TransformerEncoderLayer; trigonometry; tril; TripletMarginLoss;
Upsample bicubic; Upsample bilinear; Upsample linear; Upsample nearest; weight_norm; where;
ZeroPad2d
"""

COMPARED: tuple[str, ...] = tuple(" ".join(_NAMES.split()).split("; "))
"""Layers, losses and functions that the tests capture and compare with PyTorch."""


def report(form: str = "text") -> str:
    """Both lists as text.

    Args:
        form: ``"text"`` or ``"markdown"``.
    """
    if form == "markdown":
        rows = "\n".join(f"| {what} | {why} | {instead} |" for what, why, instead in LIMITS)
        tested = "; ".join(COMPARED)
        return (
            "# Capturing PyTorch\n\n"
            "<!-- Generated by `syft-web ops --capture --format markdown`; do not edit. -->\n\n"
            "`syft_web.author.torch.training_plan` records a training step of an ordinary module "
            "as a plan. What cannot\nbe recorded is refused at once, with the line that is to "
            "blame.\n\n"
            "## What cannot be captured\n\n"
            "| what | why | instead |\n|---|---|---|\n"
            f"{rows}\n\n"
            "## What is captured and compared with PyTorch in the tests\n\n"
            f"{tested}.\n"
        )
    refused = "\n".join(
        f"  {what}\n      {why}; instead: {instead}" for what, why, instead in LIMITS
    )
    tested = "\n".join(f"  {name}" for name in COMPARED)
    return (
        f"Cannot be captured from PyTorch:\n{refused.replace('`', '')}\n\n"
        f"Captured and compared with PyTorch in the tests:\n{tested}\n"
    )
