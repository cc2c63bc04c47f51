"""The Plans of the MNIST example: a two-layer perceptron, 784 - 392 - 10.

A Plan has no automatic differentiation: it is a list of tensor operations. So the
training step is written out, forward and backward, and recorded with `trace`.
Nothing here needs torch.
"""

from __future__ import annotations

import numpy as np

from syft_web.author.tfjs import with_tfjs
from syft_web.author.tracing import Slot, Traced, torch, trace
from syft_web.plan.plan import Plan, State

PIXELS, HIDDEN, CLASSES = 784, 392, 10
SHAPES = ((HIDDEN, PIXELS), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,))  # W1, b1, W2, b2

# What the plans' inputs and outputs are: with these, whoever trains needs no specs.
IMAGES = Slot("data", "images", shape=(None, PIXELS), dtype="float32")
LABELS = Slot("target", "labels", shape=(None, CLASSES), dtype="float32")
PARAMETERS = tuple(
    Slot("model_param", name, index=i, model_index=i, shape=shape, dtype="float32")
    for i, (name, shape) in enumerate(zip(("w1", "b1", "w2", "b2"), SHAPES, strict=True))
)


def training_step(
    x: Traced,
    y: Traced,
    batch_size: Traced,
    lr: Traced,
    w1: Traced,
    b1: Traced,
    w2: Traced,
    b2: Traced,
) -> tuple[Traced, ...]:
    """One step of gradient descent: x (B, 784), y one-hot (B, 10) -> loss, accuracy, parameters."""
    # Forward. The largest logit of each row is taken off first: exp() then cannot overflow.
    z1 = x.matmul(w1.t()) + b1
    h1 = z1.relu()
    z2 = h1.matmul(w2.t()) + b2
    z2 = z2 - z2.max(dim=1, keepdim=True)[0]
    log_p = z2 - z2.exp().sum(dim=1, keepdim=True).log()

    # Cross entropy, and how many of the batch are right.
    loss = -(y * log_p).sum() / batch_size
    right = torch.argmax(log_p, dim=1).eq(torch.argmax(y, dim=1))
    accuracy = right.float().sum() / batch_size

    # Backward, from the loss to each parameter: d_z2 is d loss / d z2, and so on.
    d_z2 = (log_p.exp() - y) / batch_size
    d_w2 = d_z2.t().matmul(h1)
    d_b2 = d_z2.sum(dim=0)
    d_z1 = d_z2.matmul(w2) * (z1 > 0).float()
    d_w1 = d_z1.t().matmul(x)
    d_b1 = d_z1.sum(dim=0)

    # Down the slope.
    return loss, accuracy, w1 - lr * d_w1, b1 - lr * d_b1, w2 - lr * d_w2, b2 - lr * d_b2


def inference(x: Traced, w1: Traced, b1: Traced, w2: Traced, b2: Traced) -> tuple[Traced, ...]:
    """What the model thinks: x (B, 784) -> probabilities (B, 10), most probable digit (B,)."""
    logits = x.matmul(w1.t()).add(b1).relu().matmul(w2.t()) + b2
    return torch.softmax(logits, dim=1), torch.argmax(logits, dim=1)


def training_plan() -> Plan:
    """`training_step` as a Plan, with a second role for the original syft.js.

    The number of rows is free: it is 2 in the recording, and anything later.
    """
    settings = Slot("batch_size", dtype="int64"), Slot("client_config", "lr", dtype="float32")
    inputs = (IMAGES, LABELS, *settings, *PARAMETERS)
    outputs = (Slot("loss"), Slot("metric", "accuracy"), *PARAMETERS)
    return with_tfjs(trace(training_step, *inputs, outputs=outputs, name="training_plan"))


def inference_plan() -> Plan:
    """`inference` as a Plan, with a second role for the original syft.js."""
    outputs = Slot("value", "probabilities"), Slot("value", "digit", index=1)
    plan = trace(inference, IMAGES, *PARAMETERS, outputs=outputs, name="inference_plan")
    return with_tfjs(plan)


def initial_model(seed: int = 0) -> State:
    """Parameters to begin with: uniform in +-1/sqrt(inputs of the layer), as torch's Linear."""
    rng = np.random.default_rng(seed)
    bounds = (PIXELS**-0.5, PIXELS**-0.5, HIDDEN**-0.5, HIDDEN**-0.5)
    return State.of(
        [
            rng.uniform(-bound, bound, shape).astype(np.float32)
            for bound, shape in zip(bounds, SHAPES, strict=True)
        ]
    )
