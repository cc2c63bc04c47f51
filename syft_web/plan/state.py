"""State: an ordered list of tensors, as models, diffs and plan state travel.

protocol.md section 4.2 (``State``, ``StateTensor``) and 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from syft_web.errors import ModelError
from syft_web.plan.values import Id, Placeholder, same_fields

__all__ = ["State", "StateEntry"]


@dataclass(frozen=True, slots=True, eq=False)
class StateEntry:
    """One tensor of a State, with what its message says about it.

    Attributes:
        array: The values; may be read-only.
        id: Id of the tensor message.
        is_param: Whether it is written as ``torch_param`` (an ``nn.Parameter``)
            instead of ``torch_tensor``.
        requires_grad: Of a parameter.
        param_id: Id of the parameter message.
        tags: Free labels.
        description: Free text.
    """

    array: np.ndarray
    id: Id = 0
    is_param: bool = False
    requires_grad: bool = False
    param_id: Id = 0
    tags: tuple[str, ...] = ()
    description: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StateEntry) and same_fields(self, other)

    def __hash__(self) -> int:
        return hash((self.id, self.is_param, self.array.shape))


@dataclass(frozen=True, slots=True)
class State:
    """An ordered list of tensors, each with a placeholder.

    Attributes:
        placeholders: As many as there are entries; a plan binds its state by their ids.
        entries: The tensors.
    """

    placeholders: tuple[Placeholder, ...] = ()
    entries: tuple[StateEntry, ...] = ()

    @classmethod
    def of(cls, tensors: Sequence[np.ndarray], *, requires_grad: bool = False) -> State:
        """A State of these tensors, with ids 0 to n-1 and syft.js's tags ``#i``, ``#state-i``.

        Args:
            tensors: Arrays or numbers, in order. They are not copied.
            requires_grad: Write them as trainable parameters (``torch_param``).
        """
        arrays = [np.asarray(t) for t in tensors]
        return cls(
            placeholders=tuple(
                Placeholder(i, tags=(f"#{i}", f"#state-{i}"), expected_shape=a.shape or None)
                for i, a in enumerate(arrays)
            ),
            entries=tuple(
                StateEntry(a, id=i, is_param=requires_grad, requires_grad=requires_grad, param_id=i)
                for i, a in enumerate(arrays)
            ),
        )

    @classmethod
    def loads(cls, data: bytes | bytearray | memoryview) -> State:
        """Read a State from its protobuf bytes.

        The arrays are read-only and aligned; those that lie aligned in the bytes are views.

        Raises:
            DecodeError: The bytes are no State, or hold a tensor that cannot be read.
        """
        from syft_web.plan import serde

        return serde.state_from_bytes(data)

    @property
    def tensors(self) -> list[np.ndarray]:
        """The arrays in order."""
        return [entry.array for entry in self.entries]

    def with_tensors(self, tensors: Sequence[np.ndarray]) -> State:
        """The same State (ids, tags, kinds) with other values, e.g. a diff or a new model.

        Raises:
            ModelError: Another number of tensors, or another shape.
        """
        if len(tensors) != len(self.entries):
            raise ModelError(
                f"The state holds {len(self.entries)} tensors, {len(tensors)} were given. "
                "Give one per parameter, in order."
            )
        arrays = [np.asarray(t) for t in tensors]
        for i, (entry, array) in enumerate(zip(self.entries, arrays, strict=True)):
            if entry.array.shape != array.shape:
                raise ModelError(
                    f"Tensor {i} of the state has shape {entry.array.shape}, "
                    f"the one given has {array.shape}. Keep the model's shapes."
                )
        return State(
            self.placeholders,
            tuple(replace(e, array=a) for e, a in zip(self.entries, arrays, strict=True)),
        )

    def dumps(self) -> bytes:
        """Write the State as protobuf bytes that PySyft reads (serializer ALL).

        Raises:
            EncodeError: A dtype the format has no field for.
        """
        from syft_web.plan import serde

        return serde.state_to_bytes(self)
