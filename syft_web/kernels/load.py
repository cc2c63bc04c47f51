"""Which build of the kernels runs here: probed once, at the first use.

In Pyodide a build is a WebAssembly side module beside this file, loaded by ``ctypes``.
Loading fails where the browser lacks the instructions; then the next build is tried, and
at last numpy does everything. On CPython there are no side modules and numpy is used.

A kernel takes one address: of a block of numbers which `Kernel` fills (sizes, steps, addresses
of arrays). A ctypes call costs about a microsecond so, instead of one per argument.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syft_web.errors import HostError
from syft_web.kernels.layouts import LAYOUTS

__all__ = ["BUILDS", "Kernel", "active", "address", "current", "info", "use"]

BUILDS = ("relaxed_simd", "simd128")
"""The builds, the faster one first."""

_NUMPY = "numpy"


class Kernel:
    """One function of a loaded build.

    Args:
        function: The foreign function.
        layout: Types of its block of numbers, as for `struct`.
    """

    __slots__ = ("_address", "_block", "_function", "_pack")

    def __init__(self, function: Callable[[int], int], layout: str) -> None:
        block = struct.Struct("<" + layout)
        self._block = ctypes.create_string_buffer(block.size)
        self._address = ctypes.addressof(self._block)
        self._pack = block.pack_into
        self._function = function

    def __call__(self, *numbers: float) -> int:
        """Run it on these numbers. The arrays behind addresses must be kept by the caller.

        Returns:
            0, or 1 where the kernel found an index outside of what it points into.
        """
        self._pack(self._block, 0, *numbers)
        return self._function(self._address)


Kernels = dict[str, Kernel]


class _State:
    """What was found; filled at first use."""

    def __init__(self) -> None:
        self.wanted = "auto"
        self.probed = False
        self.active = _NUMPY
        self.kernels: Kernels | None = None
        self.refused: dict[str, str] = {}
        self.loaded: dict[str, Kernels] = {}


_state = _State()


def address(x: NDArray[Any]) -> int:
    """Where an array's first element lies, in a third of the time of ``x.ctypes.data``.

    In numpy's C interface this pointer is what an array has first after what every object has.
    `_load` makes sure of it.
    """
    found: int = _pointer_at(id(x) + _HEAD).value
    return found


_HEAD = object.__basicsize__
_pointer_at = ctypes.c_size_t.from_address


def current() -> Kernels | None:
    """The kernels in use by name, or None where numpy does everything."""
    if not _state.probed:
        _choose()
    return _state.kernels


def active() -> str:
    """What is in use: ``"relaxed_simd"``, ``"simd128"`` or ``"numpy"``."""
    current()
    return _state.active


def info() -> dict[str, Any]:
    """What is in use and why.

    Returns:
        ``active``, ``reason`` (a sentence) and ``refused`` (build -> why it is not in use).
    """
    name = active()
    if _state.wanted != "auto":
        reason = "asked for by kernels.use"
    elif name != _NUMPY:
        reason = "the fastest build that this runtime loads and that computes right"
    elif sys.platform != "emscripten":
        reason = "the compiled kernels are for Pyodide; elsewhere numpy has its own"
    else:
        reason = "no build could be used here"
    return {"active": name, "reason": reason, "refused": dict(_state.refused)}


def use(name: str) -> None:
    """Choose what is used from now on.

    Args:
        name: ``"auto"`` for the fastest that works, a build, or ``"numpy"``.

    Raises:
        HostError: No such build, or this runtime cannot use it; the choice stays as it was.
    """
    if name not in ("auto", *BUILDS, _NUMPY):
        raise HostError(
            f"there are no kernels named {name!r}; use auto, relaxed_simd, simd128, numpy"
        )
    if name in BUILDS and _loaded(name) is None:
        raise HostError(f"the kernels {name} cannot be used here: {_state.refused[name]}")
    _state.wanted = name
    _choose()


def _choose() -> None:
    names = BUILDS if _state.wanted == "auto" else (_state.wanted,)
    _state.active, _state.kernels = _NUMPY, None
    for name in names:
        kernels = _loaded(name) if name in BUILDS else None
        if kernels is not None:
            _state.active, _state.kernels = name, kernels
            break
    _state.probed = True


def _loaded(name: str) -> Kernels | None:
    """A build, loaded and tried out; None with a reason noted when it cannot be used."""
    if name in _state.loaded:
        return _state.loaded[name]
    if name not in _state.refused:
        try:
            kernels = _load(name)
            _try_out(kernels)
        except Exception as error:
            # Whatever a runtime has against it: numpy can do all of it.
            _state.refused[name] = (str(error) or type(error).__name__).strip()
        else:
            _state.loaded[name] = kernels
    return _state.loaded.get(name)


def _load(name: str) -> Kernels:
    if sys.platform != "emscripten":
        raise HostError("side modules of WebAssembly need Pyodide")
    x = np.zeros((3, 2), np.float32)[1:]
    if address(x) != x.__array_interface__["data"][0]:
        raise HostError("arrays are laid out in another way than was thought")
    path = Path(__file__).with_name(f"{name}.wasm")
    if not path.is_file():
        raise HostError(f"{path.name} is not in this installation")
    library = ctypes.CDLL(str(path))
    kernels: Kernels = {}
    for function_name, layout in LAYOUTS.items():
        function = getattr(library, function_name)
        function.argtypes = [ctypes.c_void_p]
        function.restype = ctypes.c_int
        kernels[function_name] = Kernel(function, layout)
    return kernels


def _try_out(kernels: Kernels) -> None:
    """Multiply two small matrices, all paths of the tile among them, and compare with numpy."""
    a = np.linspace(-1, 1, 13 * 7, dtype=np.float32).reshape(13, 7)
    b = np.linspace(2, -1, 7 * 19, dtype=np.float32).reshape(7, 19)
    got = np.empty((13, 19), np.float32)
    sizes = (13, 19, 7, address(a), 7, 1, address(b), 19, 1, address(got), 19, 1)
    kernels["gemm"](*sizes, 1.0, *(0, 0, 0, 0, 0), *(1, 1, 0, 0, 0, 0, 0, 0))
    if not np.allclose(got, a.astype(np.float64) @ b, rtol=1e-5, atol=1e-6):
        raise HostError("it computes wrong numbers here")
