"""Many layers and losses, each in a small model that can be trained one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["REFUSED", "ZOO", "Item", "Probe"]

F = nn.functional

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Item:
    """One layer or loss.

    Attributes:
        layer: Makes the layer.
        shape: Shape of a row of its input.
        loss: Of (output, target).
        target: Makes the targets of so many rows.
        input: Makes the inputs, instead of normal noise of `shape`.
        smallest: The smallest batch that the layer takes.
    """

    layer: Callable[[], Callable[..., Any]]
    shape: Shape
    loss: Callable[..., Tensor]
    target: Callable[[int], Tensor]
    input: Callable[[int], Tensor] | None = None
    smallest: int = 1

    def model(self) -> nn.Module:
        """A model that trains the layer's parameters and its input's scale."""
        return Probe(self.layer(), self.shape, scaled=self.input is None)

    def batch(self, rows: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets."""
        x = torch.randn(rows, *self.shape) if self.input is None else self.input(rows)
        return x, self.target(rows)


class Probe(nn.Module):
    """A layer behind a trained scale, so that the gradient of its input counts too."""

    def __init__(self, layer: Callable[..., Any], shape: Shape, *, scaled: bool) -> None:
        super().__init__()
        self.layer = layer
        self.scale = nn.Parameter(1 + 0.1 * torch.randn(shape if scaled else ()))
        self.scaled = scaled

    def forward(self, x: Tensor) -> Tensor:
        if self.scaled:
            return self.layer(x * self.scale)
        return self.layer(x) * self.scale


def _wavy(output: Any, _: Tensor) -> Tensor:
    """A number with another gradient for each element."""
    if isinstance(output, tuple | list):
        return torch.stack([_wavy(part, _) for part in output]).sum()
    weights = torch.linspace(0.5, 1.5, output[0].numel()).reshape(output.shape[1:])
    return (output * weights + 0.1 * output * output).mean()


def _zeros(rows: int) -> Tensor:
    return torch.zeros(rows)


def _layer(make: Callable[[], Callable[..., Any]], *shape: int, **rest: Any) -> Item:
    return Item(make, shape, _wavy, _zeros, **rest)


def _function(function: Callable[..., Any], *shape: int, **rest: Any) -> Item:
    return Item(lambda: function, shape, _wavy, _zeros, **rest)


def _loss(loss: Callable[..., Tensor], target: Callable[[int], Tensor], *shape: int) -> Item:
    return Item(nn.Identity, shape, loss, target)


def _classes(rows: int) -> Tensor:
    return torch.randint(0, 5, (rows,))


def _like(*shape: int) -> Callable[[int], Tensor]:
    return lambda rows: torch.randn(rows, *shape)


def _share(*shape: int) -> Callable[[int], Tensor]:
    return lambda rows: torch.rand(rows, *shape)


def _signs(*shape: int) -> Callable[[int], Tensor]:
    return lambda rows: torch.randint(0, 2, (rows, *shape)).float() * 2 - 1


def _words(rows: int) -> Tensor:
    return torch.randint(0, 9, (rows, 4))


class First(nn.Module):
    """The first result of a recurrent layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class Attention(nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self, **rest: Any) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(8, 2, batch_first=True, **rest)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, x, x)[0]


class Pair(nn.Module):
    """A layer of two inputs, given one and a shifted one."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, x.flip(1) + 0.5)


class Twice(nn.Module):
    """A layer of two inputs, given the same twice."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, x)


class Sampled(nn.Module):
    """A trained affine map of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([[1.1, 0.2, 0.1], [-0.1, 0.8, 0.05]]))

    def forward(self, x: Tensor) -> Tensor:
        steps = torch.linspace(-0.8, 0.8, 5)
        places = torch.stack([*torch.meshgrid(steps, steps, indexing="xy"), torch.ones(5, 5)], -1)
        grid = (places @ self.theta.t()).expand(x.shape[0], 5, 5, 2)
        return F.grid_sample(x, grid, align_corners=False)


class Affine(nn.Module):
    """A trained affine map by torch's own function."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.eye(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        theta = self.theta.expand(x.shape[0], 2, 3)
        return F.grid_sample(x, F.affine_grid(theta, list(x.shape)))


def _causal(x: Tensor) -> Tensor:
    q, k, v = x.unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4).unbind(0)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def _pooled_pair(x: Tensor) -> Tensor:
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(values, indices, 2)


ACTIVATIONS: dict[str, nn.Module] = {
    name: getattr(nn, name)()
    for name in (
        "ReLU",
        "LeakyReLU",
        "ELU",
        "SELU",
        "CELU",
        "GELU",
        "SiLU",
        "Mish",
        "Softplus",
        "Softsign",
        "Tanh",
        "Sigmoid",
        "LogSigmoid",
        "Hardtanh",
        "Hardswish",
        "Hardsigmoid",
        "Hardshrink",
        "Softshrink",
        "Tanhshrink",
        "ReLU6",
        "Identity",
    )
}

ZOO: dict[str, Item] = {
    **{name: _layer(lambda act=act: act, 6) for name, act in ACTIVATIONS.items()},
    "GELU tanh": _layer(lambda: nn.GELU(approximate="tanh"), 6),
    "GLU": _layer(nn.GLU, 6),
    "PReLU": _layer(lambda: nn.PReLU(4), 4, 3),
    "Softmax": _layer(lambda: nn.Softmax(dim=1), 6),
    "LogSoftmax": _layer(lambda: nn.LogSoftmax(dim=-1), 6),
    "Softmin": _layer(lambda: nn.Softmin(dim=1), 6),
    "Softmax2d": _layer(nn.Softmax2d, 3, 2, 2),
    "Threshold": _layer(lambda: nn.Threshold(0.1, 2.0), 6),
    "Linear": _layer(lambda: nn.Linear(5, 3), 5),
    "Linear no bias": _layer(lambda: nn.Linear(5, 3, bias=False), 2, 5),
    "Bilinear": _layer(lambda: Pair(nn.Bilinear(3, 3, 2)), 3),
    "Conv1d": _layer(lambda: nn.Conv1d(2, 3, 3, padding=1), 2, 7),
    "Conv1d same": _layer(lambda: nn.Conv1d(2, 3, 4, padding="same"), 2, 7),
    "Conv2d": _layer(lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1), 2, 7, 6),
    "Conv2d dilated": _layer(lambda: nn.Conv2d(2, 3, 3, dilation=2), 2, 7, 7),
    "Conv2d groups": _layer(lambda: nn.Conv2d(4, 6, 3, groups=2, bias=False), 4, 5, 5),
    "Conv2d depthwise": _layer(lambda: nn.Conv2d(3, 3, 3, groups=3), 3, 5, 5),
    "Conv2d circular": _layer(
        lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), 2, 4, 4
    ),
    "Conv3d": _layer(lambda: nn.Conv3d(1, 2, 2), 1, 3, 4, 3),
    "ConvTranspose1d": _layer(lambda: nn.ConvTranspose1d(2, 3, 3, stride=2), 2, 5),
    "ConvTranspose2d": _layer(
        lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), 2, 4, 4
    ),
    "MaxPool1d": _layer(lambda: nn.MaxPool1d(2), 2, 6),
    "MaxPool2d": _layer(lambda: nn.MaxPool2d(3, stride=2, padding=1), 2, 7, 7),
    "MaxPool2d ceil": _layer(lambda: nn.MaxPool2d(2, ceil_mode=True), 2, 5, 5),
    "MaxPool3d": _layer(lambda: nn.MaxPool3d(2), 1, 4, 4, 4),
    "AvgPool1d": _layer(lambda: nn.AvgPool1d(2), 2, 6),
    "AvgPool2d": _layer(lambda: nn.AvgPool2d(3, stride=2, padding=1), 2, 7, 7),
    "AvgPool2d no pad": _layer(
        lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), 2, 7, 7
    ),
    "AvgPool3d": _layer(lambda: nn.AvgPool3d(2), 1, 4, 4, 4),
    "AdaptiveAvgPool1d": _layer(lambda: nn.AdaptiveAvgPool1d(3), 2, 7),
    "AdaptiveAvgPool2d": _layer(lambda: nn.AdaptiveAvgPool2d((3, 2)), 2, 7, 5),
    "AdaptiveAvgPool2d 1": _layer(lambda: nn.AdaptiveAvgPool2d(1), 2, 7, 5),
    "AdaptiveMaxPool2d": _layer(lambda: nn.AdaptiveMaxPool2d(3), 2, 7, 5),
    "LPPool2d": _layer(lambda: nn.LPPool2d(2, 2), 2, 4, 4, input=lambda n: torch.rand(n, 2, 4, 4)),
    "MaxUnpool2d": _function(_pooled_pair, 2, 4, 4),
    "BatchNorm1d": _layer(lambda: nn.BatchNorm1d(4), 4, smallest=4),
    "BatchNorm2d": _layer(lambda: nn.BatchNorm2d(3), 3, 4, 4),
    "BatchNorm2d plain": _layer(lambda: nn.BatchNorm2d(3, affine=False), 3, 4, 4),
    "BatchNorm2d no statistics": _layer(
        lambda: nn.BatchNorm2d(3, track_running_stats=False), 3, 4, 4
    ),
    "BatchNorm2d frozen": _layer(lambda: nn.BatchNorm2d(3).eval(), 3, 4, 4),
    "InstanceNorm2d": _layer(lambda: nn.InstanceNorm2d(3, affine=True), 3, 4, 4),
    "GroupNorm": _layer(lambda: nn.GroupNorm(2, 4), 4, 3, 3),
    "LayerNorm": _layer(lambda: nn.LayerNorm([3, 4]), 3, 4),
    "LayerNorm plain": _layer(lambda: nn.LayerNorm(4, elementwise_affine=False), 4),
    "RMSNorm": _layer(lambda: nn.RMSNorm(4, eps=1e-5), 3, 4),
    "LocalResponseNorm": _layer(lambda: nn.LocalResponseNorm(2), 4, 3, 3),
    "RNN": _layer(lambda: First(nn.RNN(3, 4, batch_first=True)), 5, 3),
    "RNN relu, two layers": _layer(
        lambda: First(nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True)), 4, 3
    ),
    "LSTM both ways": _layer(
        lambda: First(nn.LSTM(3, 4, batch_first=True, bidirectional=True)), 4, 3
    ),
    "LSTM projected": _layer(lambda: First(nn.LSTM(3, 4, batch_first=True, proj_size=2)), 4, 3),
    "GRU": _layer(lambda: First(nn.GRU(3, 4, batch_first=True)), 4, 3),
    "LSTMCell": _layer(lambda: First(nn.LSTMCell(3, 4)), 3),
    "GRUCell": _layer(lambda: nn.GRUCell(3, 4), 3),
    "MultiheadAttention": _layer(lambda: Attention(), 5, 8),
    "MultiheadAttention extra": _layer(
        lambda: Attention(add_bias_kv=True, add_zero_attn=True), 5, 8
    ),
    "causal attention": _function(_causal, 5, 24),
    "TransformerEncoderLayer": _layer(
        lambda: nn.TransformerEncoderLayer(
            8, 2, 16, dropout=0.0, batch_first=True, norm_first=True
        ),
        4,
        8,
    ),
    "TransformerDecoderLayer": _layer(
        lambda: Twice(nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True)), 4, 8
    ),
    "Embedding": _layer(lambda: nn.Embedding(9, 3), input=_words),
    "Embedding padded": _layer(lambda: nn.Embedding(9, 3, padding_idx=0), input=_words),
    "EmbeddingBag": _layer(lambda: nn.EmbeddingBag(9, 3), input=_words),
    "EmbeddingBag sum": _layer(lambda: nn.EmbeddingBag(9, 3, mode="sum"), input=_words),
    "Flatten and Unflatten": _layer(
        lambda: nn.Sequential(nn.Flatten(), nn.Unflatten(1, (3, 4))), 2, 6
    ),
    "Fold and Unfold": _layer(lambda: nn.Sequential(nn.Unfold(2), nn.Fold((4, 4), 2)), 2, 4, 4),
    "ZeroPad2d": _layer(lambda: nn.ZeroPad2d((1, 2, 0, 1)), 2, 3, 3),
    "ConstantPad1d": _layer(lambda: nn.ConstantPad1d(2, 0.5), 2, 3),
    "ReflectionPad2d": _layer(lambda: nn.ReflectionPad2d(1), 2, 4, 4),
    "ReplicationPad2d": _layer(lambda: nn.ReplicationPad2d(1), 2, 4, 4),
    "PixelShuffle": _layer(lambda: nn.PixelShuffle(2), 4, 3, 3),
    "PixelUnshuffle": _layer(lambda: nn.PixelUnshuffle(2), 2, 4, 4),
    "ChannelShuffle": _layer(lambda: nn.ChannelShuffle(2), 4, 2, 2),
    "Upsample nearest": _layer(lambda: nn.Upsample(scale_factor=2), 2, 3, 3),
    "Upsample bilinear": _layer(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), 2, 3, 3),
    "Upsample bicubic": _layer(lambda: nn.Upsample(size=(5, 6), mode="bicubic"), 1, 4, 4),
    "Upsample linear": _layer(lambda: nn.Upsample(scale_factor=2, mode="linear"), 2, 4),
    "grid_sample": _layer(Sampled, 2, 5, 5),
    "CosineSimilarity": _layer(lambda: Pair(nn.CosineSimilarity(dim=1)), 4),
    "PairwiseDistance": _layer(lambda: Pair(nn.PairwiseDistance()), 4),
    "weight_norm": _layer(lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), 4),
    "spectral_norm": _layer(lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)), 4),
    "einsum": _function(lambda x: torch.einsum("bij,bkj->bik", x, x), 3, 4),
    "cdist": _function(lambda x: torch.cdist(x, x + 1), 3, 4),
    "cumsum": _function(lambda x: x.cumsum(1), 5),
    "cumprod": _function(lambda x: x.cumprod(1), 5),
    "std and var": _function(lambda x: x.std(1) + x.var(1, unbiased=False), 5),
    "max and min of a dim": _function(lambda x: x.max(1).values - x.min(1)[0], 5),
    "amax": _function(lambda x: x.amax(dim=1), 5),
    "logsumexp": _function(lambda x: x.logsumexp(1), 5),
    "prod": _function(lambda x: x.prod(1), 4),
    "topk": _function(lambda x: x.topk(2, dim=1).values, 5),
    "sort": _function(lambda x: x.sort(dim=1).values, 5),
    "gather": _function(lambda x: x.gather(1, x.argsort(1)), 5),
    "clamp": _function(lambda x: x.clamp(-0.5, 0.5), 5),
    "where": _function(lambda x: torch.where(x > 0, x, 0.1 * x), 5),
    "flip and roll": _function(lambda x: x.flip(1).roll(1, 1), 5),
    "tril": _function(lambda x: x.tril(), 3, 3),
    "norm": _function(lambda x: x.norm(dim=1), 5),
    "normalize": _function(lambda x: F.normalize(x, dim=1), 5),
    "pow": _function(lambda x: x.pow(3) + x.abs().pow(0.5), 5),
    "one_hot": _layer(
        lambda: lambda x: F.one_hot(x, 9).float(), input=lambda n: torch.randint(0, 9, (n,))
    ),
    "index": _function(lambda x: x[:, [2, 0, 1]], 3),
    "repeat": _function(lambda x: x.repeat(1, 2).repeat_interleave(2, dim=1), 3),
    "atan2 and hypot": _function(lambda x: torch.atan2(x[:, 0], x[:, 1]).abs(), 2),
    "erf": _function(lambda x: torch.erf(x) + torch.expm1(x), 4),
    "trigonometry": _function(lambda x: x.sin() + x.cos() + x.atan() + x.sinh(), 4),
    "CrossEntropyLoss": _loss(nn.CrossEntropyLoss(), _classes, 5),
    "CrossEntropyLoss smooth": _loss(
        nn.CrossEntropyLoss(weight=torch.rand(5), label_smoothing=0.2), _classes, 5
    ),
    "CrossEntropyLoss soft": _loss(nn.CrossEntropyLoss(), lambda n: torch.rand(n, 5).softmax(1), 5),
    "CrossEntropyLoss pixels": _loss(
        nn.CrossEntropyLoss(), lambda n: torch.randint(0, 5, (n, 2, 3)), 5, 2, 3
    ),
    "NLLLoss": _loss(lambda o, t: F.nll_loss(F.log_softmax(o, 1), t), _classes, 5),
    "MSELoss": _loss(nn.MSELoss(), _like(4), 4),
    "L1Loss": _loss(nn.L1Loss(), _like(4), 4),
    "SmoothL1Loss": _loss(nn.SmoothL1Loss(beta=0.5), _like(4), 4),
    "HuberLoss": _loss(nn.HuberLoss(), _like(4), 4),
    "BCEWithLogitsLoss": _loss(nn.BCEWithLogitsLoss(), _share(4), 4),
    "BCEWithLogitsLoss weighted": _loss(
        nn.BCEWithLogitsLoss(pos_weight=torch.rand(4) + 1), _share(4), 4
    ),
    "BCELoss": _loss(lambda o, t: F.binary_cross_entropy(o.sigmoid(), t), _share(4), 4),
    "KLDivLoss": _loss(
        lambda o, t: F.kl_div(o.log_softmax(1), t, reduction="batchmean"),
        lambda n: torch.rand(n, 4).softmax(1),
        4,
    ),
    "PoissonNLLLoss": _loss(nn.PoissonNLLLoss(), _share(4), 4),
    "GaussianNLLLoss": _loss(lambda o, t: F.gaussian_nll_loss(o, t, o.square() + 0.2), _like(4), 4),
    "SoftMarginLoss": _loss(nn.SoftMarginLoss(), _signs(4), 4),
    "HingeEmbeddingLoss": _loss(nn.HingeEmbeddingLoss(), _signs(4), 4),
    "MultiMarginLoss": _loss(nn.MultiMarginLoss(), _classes, 5),
    "MultiLabelSoftMarginLoss": _loss(nn.MultiLabelSoftMarginLoss(), _share(4), 4),
    "MultiLabelMarginLoss": _loss(
        nn.MultiLabelMarginLoss(), lambda n: torch.tensor([[2, 0, -1, 1]] * n), 4
    ),
    "CosineEmbeddingLoss": _loss(
        lambda o, t: F.cosine_embedding_loss(o, o.flip(1), t), _signs(), 4
    ),
    "TripletMarginLoss": _loss(lambda o, t: F.triplet_margin_loss(o, t, -t), _like(4), 4),
    "MarginRankingLoss": _loss(
        lambda o, t: F.margin_ranking_loss(o[:, 0], o[:, 1], t), _signs(), 4
    ),
}
"""By name."""

REFUSED: dict[str, Item] = {
    "CTCLoss": _loss(  # asks for the largest length
        lambda o, t: F.ctc_loss(
            o.log_softmax(2).transpose(0, 1), t, torch.full((4,), 6), torch.full((4,), 2)
        ),
        lambda n: torch.randint(1, 4, (n, 2)),
        6,
        4,
    ),
    "affine_grid": _layer(Affine, 2, 5, 5),  # its backward pass wants a fixed batch
}
"""What cannot be captured, and why."""
