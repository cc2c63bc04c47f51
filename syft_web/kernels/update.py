"""Updates of parameters in place: by a gradient, with momentum, Adam.

All work without kernels too, then in numpy and in blocks.
"""

from __future__ import annotations

import numpy as np

from syft_web.kernels.common import Array, all_float32
from syft_web.kernels.limits import UPDATE_SIZES
from syft_web.kernels.load import Kernel, address, current

__all__ = ["adam", "axpy", "momentum"]


def _kernel(name: str, *arrays: Array) -> Kernel | None:
    """The kernel, where these arrays are for it: float32, without gaps, of one shape."""
    kernels = current()
    if kernels is None or arrays[0].size < UPDATE_SIZES[name] or not all_float32(*arrays):
        return None
    if not all(x.shape == arrays[0].shape and x.flags.c_contiguous for x in arrays):
        return None
    return kernels[name]


def axpy(target: Array, alpha: float, x: Array) -> Array:
    """``target += alpha * x``, in place.

    Args:
        target: Changed.
        alpha: The factor: minus the learning rate for a step of gradient descent.
        x: Broadcasts to the shape of `target`.

    Returns:
        `target`.
    """
    kernel = _kernel("axpy", target, x)
    if kernel is not None:
        kernel(address(target), address(x), target.size, alpha)
    elif alpha == 1:
        target += x
    else:
        target += x * target.dtype.type(alpha)
    return target


def momentum(
    target: Array,
    velocity: Array,
    grad: Array,
    rate: float,
    factor: float,
    *,
    dampening: float = 0.0,
    nesterov: bool = False,
) -> Array:
    """A step of gradient descent with momentum, as torch's SGD; in place.

    Args:
        target: The parameter, changed.
        velocity: Of the same shape, changed: ``factor * velocity + (1 - dampening) * grad``.
        grad: Of the same shape.
        rate: Learning rate.
        factor: What is kept of the velocity.
        dampening: What is not taken of the gradient.
        nesterov: Step by ``grad + factor * velocity`` instead of the velocity.

    Returns:
        `target`.
    """
    kernel = _kernel("momentum", target, velocity, grad)
    if kernel is not None:
        places = (address(target), address(velocity), address(grad))
        kernel(*places, target.size, rate, factor, 1 - dampening, nesterov)
        return target
    kind = target.dtype.type
    velocity *= kind(factor)
    velocity += grad if dampening == 0 else grad * kind(1 - dampening)
    step = grad + velocity * kind(factor) if nesterov else velocity
    target -= step * kind(rate)
    return target


def adam(
    target: Array,
    mean: Array,
    square: Array,
    grad: Array,
    rate: float,
    step: int,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Array:
    """A step of Adam, as torch's; in place.

    Args:
        target: The parameter, changed.
        mean: Moving average of the gradients, changed.
        square: Moving average of their squares, changed.
        grad: Of the same shape as the three others.
        rate: Learning rate.
        step: Number of this step, from 1.
        beta1: What is kept of the first average.
        beta2: What is kept of the second.
        epsilon: Added to the root of the second.

    Returns:
        `target`.
    """
    rate = rate / (1 - beta1**step)
    correction = float(np.sqrt(1 - beta2**step))
    kernel = _kernel("adam", target, mean, square, grad)
    if kernel is not None:
        places = (address(target), address(mean), address(square), address(grad))
        kernel(*places, target.size, rate, beta1, beta2, epsilon, correction)
        return target
    kind = target.dtype.type
    mean *= kind(beta1)
    mean += grad * kind(1 - beta1)
    square *= kind(beta2)
    square += grad * grad * kind(1 - beta2)
    root = np.sqrt(square)
    root /= kind(correction)
    root += kind(epsilon)
    np.divide(mean, root, out=root)
    root *= kind(rate)
    target -= root
    return target
