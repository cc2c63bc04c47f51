"""A convolutional network for MNIST, written by hand: nothing here needs torch.

Two convolutions, each with ReLU and pooling, then one dense layer: 7,434 numbers where the
perceptron of `examples.mnist.plan` has 311,650, and more right answers. The images and labels
are the same, so whoever trains one model can train the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from examples.mnist.plan import CLASSES, IMAGES, LABELS
from syft_web.author import Bundle
from syft_web.author.tracing import Slot, Traced, torch, trace
from syft_web.plan.plan import Plan, State

__all__ = ["NAME", "VERSION", "bundle", "inference_plan", "initial_model", "training_plan"]

NAME, VERSION = "mnist_conv", "1.0"
SHAPES = {
    "k1": (8, 1, 5, 5),
    "b1": (8,),
    "k2": (16, 8, 5, 5),
    "b2": (16,),
    "w3": (CLASSES, 400),
    "b3": (CLASSES,),
}
PARAMETERS = tuple(
    Slot("model_param", name, index=i, model_index=i, shape=shape, dtype="float32")
    for i, (name, shape) in enumerate(SHAPES.items())
)

# Arguments of torch's own derivatives, spelled out: stride, padding, dilation and so on.
POOL = ([2, 2], [2, 2], [0, 0], [1, 1], False)
SAME, VALID = [2, 2], [0, 0]


def _pool(x: Traced) -> tuple[Traced, Traced]:
    """The largest of every 2 x 2 pixels, and where it was."""
    pooled: tuple[Traced, Traced] = torch.nn.functional.max_pool2d_with_indices(x, 2)
    return pooled


def _unpool(grad: Traced, x: Traced, where: Traced) -> Traced:
    """From the gradient of what `_pool` gave to that of what it took."""
    unpooled: Traced = torch.ops.aten.max_pool2d_with_indices_backward(grad, x, *POOL, where)
    return unpooled


def _conv_backward(
    grad: Traced, x: Traced, kernel: Traced, padding: list[int], wants_input: bool = True
) -> tuple[Traced, Traced, Traced]:
    """Gradients of a convolution's input, kernel and bias."""
    mask = [wants_input, True, True]
    gradients: tuple[Traced, Traced, Traced] = torch.ops.aten.convolution_backward(
        grad, x, kernel, [0], [1, 1], padding, [1, 1], False, [0, 0], 1, mask
    )
    return gradients


def training_step(
    x: Traced, y: Traced, batch_size: Traced, lr: Traced, *parameters: Traced
) -> tuple[Traced, ...]:
    """One step of gradient descent: x (B, 784), y one-hot (B, 10) -> loss, accuracy, parameters."""
    k1, b1, k2, b2, w3, b3 = parameters
    images = x.reshape(-1, 1, 28, 28)
    c1 = torch.nn.functional.conv2d(images, k1, b1, 1, 2)
    p1, where1 = _pool(c1)
    h1 = p1.relu()
    c2 = torch.nn.functional.conv2d(h1, k2, b2)
    p2, where2 = _pool(c2)
    h2 = p2.relu()
    flat = h2.reshape(-1, 400)
    z = flat.matmul(w3.t()) + b3
    z = z - z.max(dim=1, keepdim=True)[0]
    log_p = z - z.exp().sum(dim=1, keepdim=True).log()

    loss = -(y * log_p).sum() / batch_size
    right = torch.argmax(log_p, dim=1).eq(torch.argmax(y, dim=1))
    accuracy = right.float().sum() / batch_size

    # Backward, from the loss to each parameter: d_z is d loss / d z, and so on.
    d_z = (log_p.exp() - y) / batch_size
    d_w3, d_b3 = d_z.t().matmul(flat), d_z.sum(dim=0)
    d_p2 = d_z.matmul(w3).reshape(-1, 16, 5, 5) * (p2 > 0).float()
    d_h1, d_k2, d_b2 = _conv_backward(_unpool(d_p2, c2, where2), h1, k2, VALID)
    d_c1 = _unpool(d_h1 * (p1 > 0).float(), c1, where1)
    _, d_k1, d_b1 = _conv_backward(d_c1, images, k1, SAME)

    gradients = (d_k1, d_b1, d_k2, d_b2, d_w3, d_b3)
    updated = (p - lr * g for p, g in zip(parameters, gradients, strict=True))
    return loss, accuracy, *updated


def inference(x: Traced, *parameters: Traced) -> tuple[Traced, ...]:
    """What the model thinks: x (B, 784) -> probabilities (B, 10), most probable digit (B,)."""
    k1, b1, k2, b2, w3, b3 = parameters
    pool = torch.nn.functional.max_pool2d
    h1 = pool(torch.nn.functional.conv2d(x.reshape(-1, 1, 28, 28), k1, b1, 1, 2), 2).relu()
    h2 = pool(torch.nn.functional.conv2d(h1, k2, b2), 2).relu()
    logits = h2.reshape(-1, 400).matmul(w3.t()) + b3
    return torch.softmax(logits, dim=1), torch.argmax(logits, dim=1)


def training_plan() -> Plan:
    """`training_step` as a Plan."""
    settings = Slot("batch_size", dtype="int64"), Slot("client_config", "lr", dtype="float32")
    outputs = (Slot("loss"), Slot("metric", "accuracy"), *PARAMETERS)
    inputs = (IMAGES, LABELS, *settings, *PARAMETERS)
    return trace(training_step, *inputs, outputs=outputs, name="training_plan")


def inference_plan() -> Plan:
    """`inference` as a Plan."""
    outputs = Slot("value", "probabilities"), Slot("value", "digit", index=1)
    return trace(inference, IMAGES, *PARAMETERS, outputs=outputs, name="inference_plan")


def initial_model(seed: int = 0) -> State:
    """Parameters to begin with: uniform in +-1/sqrt(inputs of the layer), as torch has them."""
    rng = np.random.default_rng(seed)
    inputs = {"1": 25, "2": 200, "3": 400}
    return State.of(
        [
            rng.uniform(-(inputs[name[1]] ** -0.5), inputs[name[1]] ** -0.5, shape).astype("f4")
            for name, shape in SHAPES.items()
        ]
    )


def bundle(seed: int = 0) -> Bundle:
    """The model, its plans and its settings."""
    settings: dict[str, Any] = {"batch_size": 64, "lr": 0.1, "max_updates": 40}
    plans = {"training_plan": training_plan(), "inference_plan": inference_plan()}
    return Bundle(NAME, VERSION, initial_model(seed), plans, settings)
