"""The messages of syft-proto 0.4.9 to 0.5.3 that federated learning uses, as one table.

A class is a message, an attribute is a field: its number and kind stand beside it, and the
codec works from nothing else. The messages of PySyft's data-centric side are in
`syft_web.wire.syft_proto_other` and can be imported from here too.

Source: protocol.md section 4.2. Unset sub-messages and oneof members are None; see
`syft_web.wire.schema.Message` for the other defaults.

Example:
    >>> encode(Id(id_int=5)).hex()
    '0805'
    >>> decode(Id, bytes.fromhex("12027731"))
    Id(id_str='w1')
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from syft_web.wire.codec import decode, encode
from syft_web.wire.layouts import generation
from syft_web.wire.schema import Message, mapping, message, repeated, scalar, wire_message
from syft_web.wire.syft_proto_other import (
    AdditiveSharingTensor,
    BaseDataset,
    CFunction,
    Device,
    Empty,
    FixedPrecisionTensor,
    ForceObjectDeleteMessage,
    GetShapeMessage,
    IsNoneMessage,
    MemoryFormat,
    ObjectMessage,
    ObjectPointer,
    ObjectRequestMessage,
    OnnxModel,
    PlanCommandMessage,
    PointerDataset,
    PointerPlan,
    PointerTensor,
    ReplicatedSharingTensor,
    ScriptFunction,
    ScriptModule,
    SearchMessage,
    String,
    SyftMessage,
    TensorCommandMessage,
    TorchDType,
    TracedModule,
    WorkerCommandMessage,
)

__all__ = [
    "SERIALIZER_ALL",
    "SERIALIZER_NUMPY",
    "SERIALIZER_TF",
    "SERIALIZER_TORCH",
    "SERIALIZER_UNSPECIFIED",
    "AdditiveSharingTensor",
    "Arg",
    "ArgList",
    "BaseDataset",
    "CFunction",
    "CommunicationAction",
    "ComputationAction",
    "Device",
    "Empty",
    "FixedPrecisionTensor",
    "ForceObjectDeleteMessage",
    "GetShapeMessage",
    "Id",
    "InputTypeDescriptor",
    "IsNoneMessage",
    "MemoryFormat",
    "Message",
    "NestedTypeWrapper",
    "ObjectMessage",
    "ObjectPointer",
    "ObjectRequestMessage",
    "OnnxModel",
    "Parameter",
    "Placeholder",
    "PlaceholderId",
    "Plan",
    "PlanCommandMessage",
    "PointerDataset",
    "PointerPlan",
    "PointerTensor",
    "Protocol",
    "ReplicatedSharingTensor",
    "Role",
    "ScriptFunction",
    "ScriptModule",
    "SearchMessage",
    "Shape",
    "Size",
    "State",
    "StateTensor",
    "StorageAction",
    "String",
    "SyftMessage",
    "TensorCommandMessage",
    "TensorData",
    "TorchDType",
    "TorchTensor",
    "TracedModule",
    "TypeContainer",
    "TypeList",
    "TypeMap",
    "TypeTuple",
    "WorkerCommandMessage",
    "decode",
    "encode",
    "generation",
]

SERIALIZER_UNSPECIFIED: Final = 0
SERIALIZER_TORCH: Final = 1
"""``contents_bin`` is a pickle made by torch.save; never read here."""
SERIALIZER_NUMPY: Final = 2
"""``contents_bin`` is a .npy file."""
SERIALIZER_TF: Final = 3
SERIALIZER_ALL: Final = 4
"""``contents_data`` holds the elements; what this project writes."""


@wire_message
class Id(Message):
    """An id: an integer or a text."""

    id_int: int | None = scalar(1, "int64", oneof="id")
    id_str: str | None = scalar(2, "string", oneof="id")


@wire_message
class Shape(Message):
    """A shape of a placeholder or pointer; no dims mean a scalar."""

    dims: npt.NDArray[np.int32] = repeated(1, "int32")


@wire_message
class Size(Message):
    """torch's shape of a tensor; no dims mean a scalar."""

    dims: npt.NDArray[np.int32] = repeated(1, "int32")


@wire_message
class TensorData(Message):
    """The elements of a tensor, row-major, in the field that ``dtype`` names.

    `syft_web.wire.tensors` turns it into an array and back.
    """

    shape: Size | None = message(1, "Size")
    dtype: str = scalar(2, "string")
    is_quantized: bool = scalar(3, "bool")
    scale: float = scalar(4, "float")
    zero_point: int = scalar(5, "int32")
    contents_uint8: npt.NDArray[np.uint32] = repeated(16, "uint32")
    contents_int8: npt.NDArray[np.int32] = repeated(17, "int32")
    contents_int16: npt.NDArray[np.int32] = repeated(18, "int32")
    contents_int32: npt.NDArray[np.int32] = repeated(19, "int32")
    contents_int64: npt.NDArray[np.int64] = repeated(20, "int64")
    contents_float16: npt.NDArray[np.float32] = repeated(21, "float")
    contents_float32: npt.NDArray[np.float32] = repeated(22, "float")
    contents_float64: npt.NDArray[np.float64] = repeated(23, "double")
    contents_bool: npt.NDArray[np.bool_] = repeated(24, "bool")
    contents_qint8: npt.NDArray[np.int32] = repeated(25, "sint32")
    contents_quint8: npt.NDArray[np.uint32] = repeated(26, "uint32")
    contents_qint32: npt.NDArray[np.int32] = repeated(27, "sint32")
    contents_bfloat16: npt.NDArray[np.float32] = repeated(28, "float")


@wire_message
class TorchTensor(Message):
    """A tensor: elements (``contents_data``) or a file (``contents_bin``), and its marks."""

    id: Id | None = message(1, "Id")
    contents_data: TensorData | None = message(2, "TensorData", oneof="contents")
    contents_bin: bytes | None = scalar(3, "bytes", oneof="contents")
    chain: TorchTensor | None = message(4, "TorchTensor")
    grad_chain: TorchTensor | None = message(5, "TorchTensor")
    tags: list[str] = repeated(6, "string")
    description: str = scalar(7, "string")
    serializer: int = scalar(8, "enum")


@wire_message
class Parameter(Message):
    """A tensor that is trained (torch.nn.Parameter)."""

    id: Id | None = message(1, "Id")
    tensor: TorchTensor | None = message(2, "TorchTensor")
    requires_grad: bool = scalar(3, "bool")
    grad: TorchTensor | None = message(4, "TorchTensor")


@wire_message
class PlaceholderId(Message):
    """A reference to the value of a placeholder."""

    id: Id | None = message(1, "Id")


@wire_message
class Placeholder(Message):
    """A named place for a value in a plan or state."""

    child_tensor: TorchTensor | None = message(1, "TorchTensor", oneof="child")
    child_parameter: Parameter | None = message(2, "Parameter", oneof="child")
    id: Id | None = message(3, "Id")
    tags: list[str] = repeated(4, "string")
    description: str = scalar(5, "string")
    expected_shape: Shape | None = message(6, "Shape")


@wire_message
class Arg(Message):
    """One argument of an action; nothing set stands for None."""

    arg_bool: bool | None = scalar(1, "bool", oneof="arg")
    arg_int: int | None = scalar(2, "int64", oneof="arg")
    arg_float: float | None = scalar(3, "float", oneof="arg")
    arg_str: str | None = scalar(4, "string", oneof="arg")
    arg_shape: Shape | None = message(5, "Shape", oneof="arg")
    arg_tensor: TorchTensor | None = message(6, "TorchTensor", oneof="arg")
    arg_torch_param: Parameter | None = message(7, "Parameter", oneof="arg")
    arg_pointer_tensor: PointerTensor | None = message(8, "PointerTensor", oneof="arg")
    arg_placeholder: Placeholder | None = message(9, "Placeholder", oneof="arg")
    arg_placeholder_id: PlaceholderId | None = message(10, "PlaceholderId", oneof="arg")
    arg_list: ArgList | None = message(11, "ArgList", oneof="arg")


@wire_message
class ArgList(Message):
    """A list among the arguments."""

    args: list[Arg] = repeated(1, "Arg")


@wire_message
class _Action(Message):
    """What the three kinds of action have in common: all of it."""

    command: str = scalar(1, "string")
    target_pointer: PointerTensor | None = message(2, "PointerTensor", oneof="target")
    target_placeholder_id: PlaceholderId | None = message(3, "PlaceholderId", oneof="target")
    target_tensor: TorchTensor | None = message(4, "TorchTensor", oneof="target")
    args: list[Arg] = repeated(5, "Arg")
    kwargs: dict[str, Arg] = mapping(6, "Arg")
    return_ids: list[Id] = repeated(7, "Id")
    return_placeholder_ids: list[PlaceholderId] = repeated(8, "PlaceholderId")
    target_id: Id | None = message(9, "Id", oneof="target")


@wire_message
class ComputationAction(_Action):
    """One recorded operation of a plan."""


@wire_message
class CommunicationAction(_Action):
    """An action that moves values between workers; not used by federated learning."""


@wire_message
class StorageAction(_Action):
    """An action on stored objects; not used by federated learning."""


@wire_message
class StateTensor(Message):
    """A tensor of a state: plain, or one that is trained."""

    torch_tensor: TorchTensor | None = message(1, "TorchTensor", oneof="tensor")
    torch_param: Parameter | None = message(2, "Parameter", oneof="tensor")


@wire_message
class State(Message):
    """Tensors and the placeholders they fill, two lists of one length.

    A model, a diff and a checkpoint are each a State.
    """

    placeholders: list[Placeholder] = repeated(1, "Placeholder")
    tensors: list[StateTensor] = repeated(2, "StateTensor")


@wire_message
class Role(Message):
    """The recorded operations of one party, in one framework's words."""

    id: Id | None = message(1, "Id")
    actions: list[ComputationAction] = repeated(2, "ComputationAction")
    state: State | None = message(3, "State")
    placeholders: list[Placeholder] = repeated(4, "Placeholder")
    input_placeholder_ids: list[Id] = repeated(5, "Id")
    output_placeholder_ids: list[Id] = repeated(6, "Id")
    tags: list[str] = repeated(7, "string")
    description: str = scalar(8, "string")


@wire_message
class InputTypeDescriptor(Message):
    """The type of one input as a dotted Python path, e.g. ``torch.Tensor``."""

    type_name: str = scalar(1, "string")


@wire_message
class TypeList(Message):
    """The types within a list argument."""

    nested_types: list[NestedTypeWrapper] = repeated(1, "NestedTypeWrapper")


@wire_message
class TypeTuple(Message):
    """The types within a tuple argument; the outermost one holds the positional arguments."""

    nested_types: list[NestedTypeWrapper] = repeated(1, "NestedTypeWrapper")


@wire_message
class TypeMap(Message):
    """The types within a dict argument."""

    nested_types: dict[str, NestedTypeWrapper] = mapping(1, "NestedTypeWrapper")


@wire_message
class TypeContainer(Message):
    """One type, or a container of types."""

    nested_type: InputTypeDescriptor | None = message(
        1, "InputTypeDescriptor", oneof="nested_container"
    )
    nested_type_list: TypeList | None = message(2, "TypeList", oneof="nested_container")
    nested_type_tuple: TypeTuple | None = message(3, "TypeTuple", oneof="nested_container")
    nested_type_dict: TypeMap | None = message(4, "TypeMap", oneof="nested_container")


@wire_message
class NestedTypeWrapper(Message):
    """The type of an input, however nested; empty stands for None."""

    nested_types: TypeContainer | None = message(1, "TypeContainer")


@wire_message
class Plan(Message):
    """A recorded program: one role for each framework it was translated to."""

    id: Id | None = message(1, "Id")
    role: Role | None = message(2, "Role")
    include_state: bool = scalar(3, "bool")
    name: str = scalar(4, "string")
    tags: list[str] = repeated(5, "string")
    description: str = scalar(6, "string")
    torchscript: bytes = scalar(7, "bytes")
    input_types: NestedTypeWrapper | None = message(8, "NestedTypeWrapper")
    base_framework: str = scalar(9, "string")
    roles: dict[str, Role] = mapping(10, "Role")


@wire_message
class Protocol(Message):
    """Several parties' roles under one name."""

    id: Id | None = message(1, "Id")
    name: str = scalar(2, "string")
    roles: dict[str, Role] = mapping(3, "Role")
    tags: list[str] = repeated(4, "string")
    description: str = scalar(5, "string")
