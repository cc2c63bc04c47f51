"""Record what a function of tensors does as a graph of aten operations.

The function is run once on fake tensors, which have shapes and dtypes but no memory. Its
autograd calls are recorded too, so the graph of a training step holds forward pass,
backward pass and update. A second pass makes in-place operations into ordinary ones.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functionalize
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import DimDynamic, StatelessSymbolicContext
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from syft_web.author.torch.faults import WatchedSizes, explain, user_line
from syft_web.author.torch.replacements import replaced

__all__ = ["Capture", "Function"]

Function = Callable[..., list[Tensor]]
"""Takes tensors, returns a flat list of tensors."""

Decompositions = Mapping[Any, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Capture:
    """A function ready to be recorded, any number of times.

    Attributes:
        function: What to record.
        examples: One tensor per argument; only shapes and dtypes count.
        dynamic: Positions of the arguments whose first dimension is the batch.
    """

    function: Function
    examples: Sequence[Tensor]
    dynamic: Collection[int]

    def graph(
        self, decompositions: Decompositions | None = None
    ) -> tuple[GraphModule, WatchedSizes]:
        """Record it.

        Args:
            decompositions: Operations that are to be replaced by others.

        Returns:
            The graph, and what was assumed about its sizes.

        Raises:
            CaptureError: The function does something that cannot be recorded.
        """
        mode, fake, sizes = self._fakes()
        try:
            with _plain_kernels(), mode, enable_python_dispatcher():
                graph = make_fx(self.function)(*fake)
                _reject_hidden_writes(graph)
                graph = make_fx(
                    functionalize(graph, remove="mutations"),
                    decomposition_table=dict(decompositions or {}),
                )(*fake)
        except Exception as error:
            raise explain(error) from error
        return graph, sizes

    def lines_of(self, operations: Collection[Any]) -> dict[Any, str]:
        """The user's line that first calls each of these operations, where there is one."""
        finder = _LineFinder(operations)
        mode, fake, _ = self._fakes()
        # The search is only for a better message; what it meets is reported elsewhere.
        with (
            contextlib.suppress(Exception),
            _plain_kernels(),
            mode,
            enable_python_dispatcher(),
            finder,
        ):
            self.function(*fake)
        return finder.found

    def _fakes(self) -> tuple[FakeTensorMode, list[Tensor], WatchedSizes]:
        watched = WatchedSizes()
        mode = FakeTensorMode(shape_env=watched, allow_non_fake_inputs=True)
        fake: list[Tensor] = []
        for i, given in enumerate(self.examples):
            # A tensor of its own: torch takes the same tensor, given twice, for one argument.
            example = torch.empty(given.shape, dtype=given.dtype)
            if i in self.dynamic:
                sizes = [DimDynamic.DYNAMIC] + [DimDynamic.STATIC] * (example.dim() - 1)
                context: Any = StatelessSymbolicContext(dynamic_sizes=sizes)
                fake.append(mode.from_tensor(example, symbolic_context=context))
            else:
                fake.append(mode.from_tensor(example, static_shapes=True))
        return mode, fake, watched


@contextlib.contextmanager
def _plain_kernels() -> Iterator[None]:
    """No operation that exists only for one library or processor gets into the graph."""
    fast = torch.backends.mha.get_fastpath_enabled()
    # What goes wrong is raised; torch would print its own traceback besides.
    log = logging.getLogger("torch._subclasses.fake_tensor")
    loud, log.disabled = log.disabled, True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with (
                torch.backends.mkldnn.flags(enabled=False),
                sdpa_kernel(SDPBackend.MATH),
                replaced(),
            ):
                yield
        finally:
            log.disabled = loud
            torch.backends.mha.set_fastpath_enabled(fast)


def _reject_hidden_writes(graph: GraphModule) -> None:
    """``native_batch_norm`` says that it is pure, and changes its running statistics.

    With the Python dispatcher it should never be recorded; if it is, a plan would return
    the old statistics without anyone noticing.
    """
    for node in graph.graph.nodes:
        if node.op == "call_function" and str(node.target).startswith("aten.native_batch_norm."):
            raise RuntimeError(
                "this torch records batch normalisation in a form that loses its running "
                "statistics; use torch 2.4 or later"
            )


class _LineFinder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes where operations are called from."""

    def __init__(self, operations: Collection[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.wanted = set(operations)
        self.found: dict[Any, str] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every operation."""
        if func in self.wanted and func not in self.found and (line := user_line()):
            self.found[func] = line
        return func(*args, **(kwargs or {}))
