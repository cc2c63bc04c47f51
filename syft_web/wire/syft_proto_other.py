"""The messages of syft-proto that federated learning itself never sends.

They belong to PySyft's pointers, worker messages and secret sharing, and are here so that
everything PySyft 0.2.9 can serialize can be looked into.

Source: protocol.md section 4.2. Import them from `syft_web.wire.syft_proto`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syft_web.wire.schema import Message, message, repeated, scalar, wire_message

if TYPE_CHECKING:
    from syft_web.wire.syft_proto import (
        Arg,
        CommunicationAction,
        ComputationAction,
        Id,
        Shape,
        TorchTensor,
    )

__all__ = [
    "AdditiveSharingTensor",
    "BaseDataset",
    "CFunction",
    "Device",
    "Empty",
    "FixedPrecisionTensor",
    "ForceObjectDeleteMessage",
    "GetShapeMessage",
    "IsNoneMessage",
    "MemoryFormat",
    "ObjectMessage",
    "ObjectPointer",
    "ObjectRequestMessage",
    "OnnxModel",
    "PlanCommandMessage",
    "PointerDataset",
    "PointerPlan",
    "PointerTensor",
    "ReplicatedSharingTensor",
    "ScriptFunction",
    "ScriptModule",
    "SearchMessage",
    "String",
    "SyftMessage",
    "TensorCommandMessage",
    "TorchDType",
    "TracedModule",
    "WorkerCommandMessage",
]


@wire_message
class PointerTensor(Message):
    """A tensor that lives with another worker."""

    object_id: Id | None = message(1, "Id")
    location_id: Id | None = message(2, "Id")
    object_id_at_location: Id | None = message(3, "Id")
    shape: Shape | None = message(4, "Shape")
    point_to_attr: str = scalar(5, "string")
    garbage_collect_data: bool = scalar(6, "bool")


@wire_message
class ObjectPointer(Message):
    """An object that lives with another worker."""

    object_id: Id | None = message(1, "Id")
    location_id: Id | None = message(2, "Id")
    object_id_at_location: Id | None = message(3, "Id")
    point_to_attr: str = scalar(4, "string")


@wire_message
class PointerPlan(Message):
    """A plan that lives with another worker."""

    object_id: Id | None = message(1, "Id")
    location_id: Id | None = message(2, "Id")
    object_id_at_location: Id | None = message(3, "Id")
    tags: list[str] = repeated(4, "string")
    garbage_collect_data: bool = scalar(5, "bool")


@wire_message
class PointerDataset(Message):
    """A dataset that lives with another worker."""

    object_id: Id | None = message(1, "Id")
    location_id: Id | None = message(2, "Id")
    object_id_at_location: Id | None = message(3, "Id")
    tags: list[str] = repeated(4, "string")
    description: str = scalar(5, "string")
    garbage_collect_data: bool = scalar(6, "bool")


@wire_message
class ScriptModule(Message):
    """A torchscript module as torch saved it; never opened here."""

    obj: bytes = scalar(1, "bytes")


@wire_message
class ScriptFunction(Message):
    """A torchscript function as torch saved it; never opened here."""

    obj: bytes = scalar(1, "bytes")


@wire_message
class TracedModule(Message):
    """A traced module as torch saved it; never opened here."""

    obj: bytes = scalar(1, "bytes")


@wire_message
class CFunction(Message):
    """A function of torch's C part as torch saved it; never opened here."""

    obj: bytes = scalar(1, "bytes")


@wire_message
class Device(Message):
    """A torch device, e.g. ``cpu``."""

    type: str = scalar(1, "string")


@wire_message
class TorchDType(Message):
    """A torch dtype, e.g. ``torch.float32``."""

    torch_type: str = scalar(1, "string")


@wire_message
class MemoryFormat(Message):
    """A torch memory format, e.g. ``channels_last``."""

    memory_format_type: str = scalar(1, "string")


@wire_message
class Empty(Message):
    """A message without contents (google.protobuf.Empty)."""


@wire_message
class ObjectMessage(Message):
    """Sends a tensor to a worker."""

    tensor: TorchTensor | None = message(1, "TorchTensor")


@wire_message
class TensorCommandMessage(Message):
    """Asks a worker to run an action."""

    computation: ComputationAction | None = message(1, "ComputationAction", oneof="action")
    communication: CommunicationAction | None = message(2, "CommunicationAction", oneof="action")


@wire_message
class ForceObjectDeleteMessage(Message):
    """Asks a worker to forget objects."""

    object_ids: list[Id] = repeated(1, "Id")


@wire_message
class GetShapeMessage(Message):
    """Asks a worker for an object's shape."""

    object_id: Id | None = message(1, "Id")


@wire_message
class IsNoneMessage(Message):
    """Asks a worker whether an object is None."""

    object_id: Id | None = message(1, "Id")


@wire_message
class ObjectRequestMessage(Message):
    """Asks a worker for an object, with a reason."""

    object_id: Id | None = message(1, "Id")
    reason: str = scalar(2, "string")


@wire_message
class PlanCommandMessage(Message):
    """A command about plans."""

    command_name: str = scalar(1, "string")
    args: list[Arg] = repeated(2, "Arg")


@wire_message
class WorkerCommandMessage(Message):
    """A command to a worker."""

    command_name: str = scalar(1, "string")
    args: list[Arg] = repeated(2, "Arg")


@wire_message
class SearchMessage(Message):
    """Asks a worker for objects by tags."""

    query: list[Id] = repeated(1, "Id")


@wire_message
class SyftMessage(Message):
    """The envelope of the data-centric messages."""

    contents_empty_msg: Empty | None = message(1, "Empty", oneof="contents")
    contents_delete_msg: ForceObjectDeleteMessage | None = message(
        2, "ForceObjectDeleteMessage", oneof="contents"
    )
    contents_get_shape_msg: GetShapeMessage | None = message(3, "GetShapeMessage", oneof="contents")
    contents_is_none_msg: IsNoneMessage | None = message(4, "IsNoneMessage", oneof="contents")
    contents_object_msg: ObjectMessage | None = message(5, "ObjectMessage", oneof="contents")
    contents_object_request_msg: ObjectRequestMessage | None = message(
        6, "ObjectRequestMessage", oneof="contents"
    )
    contents_tensor_cmd_msg: TensorCommandMessage | None = message(
        7, "TensorCommandMessage", oneof="contents"
    )
    contents_plan_cmd_msg: PlanCommandMessage | None = message(
        8, "PlanCommandMessage", oneof="contents"
    )
    contents_worker_cmd_msg: WorkerCommandMessage | None = message(
        9, "WorkerCommandMessage", oneof="contents"
    )
    contents_search_msg: SearchMessage | None = message(10, "SearchMessage", oneof="contents")


@wire_message
class AdditiveSharingTensor(Message):
    """A tensor in additive secret shares."""

    id: Id | None = message(1, "Id")
    field_int: int | None = scalar(2, "int64", oneof="field_size")
    field_str: str | None = scalar(3, "string", oneof="field_size")
    dtype: str = scalar(4, "string")
    crypto_provider_id: Id | None = message(5, "Id")
    location_ids: list[Id] = repeated(6, "Id")
    shares: list[PointerTensor] = repeated(7, "PointerTensor")


@wire_message
class FixedPrecisionTensor(Message):
    """A tensor in fixed-point numbers."""

    id: Id | None = message(1, "Id")
    field: str = scalar(3, "string")
    dtype: str = scalar(4, "string")
    base: int = scalar(5, "int32")
    kappa: int = scalar(6, "int32")
    precision_fractional: int = scalar(7, "int32")
    tags: list[str] = repeated(8, "string")
    description: str = scalar(9, "string")
    child: AdditiveSharingTensor | None = message(10, "AdditiveSharingTensor")


@wire_message
class ReplicatedSharingTensor(Message):
    """A tensor in replicated secret shares."""

    id: Id | None = message(1, "Id")
    ring_int: int | None = scalar(2, "int64", oneof="ring_size")
    ring_str: str | None = scalar(3, "string", oneof="ring_size")
    dtype: str = scalar(4, "string")
    location_ids: list[Id] = repeated(5, "Id")
    shares: list[PointerTensor] = repeated(6, "PointerTensor")


@wire_message
class BaseDataset(Message):
    """Data and targets as two tensors."""

    data: TorchTensor | None = message(1, "TorchTensor")
    targets: TorchTensor | None = message(2, "TorchTensor")
    id: Id | None = message(3, "Id")
    tags: list[str] = repeated(4, "string")
    description: str = scalar(5, "string")
    child: TorchTensor | None = message(6, "TorchTensor")


@wire_message
class OnnxModel(Message):
    """A model as ONNX bytes."""

    id: Id | None = message(1, "Id")
    serialized_model: bytes = scalar(2, "bytes")
    tags: list[str] = repeated(3, "string")
    description: str = scalar(4, "string")


@wire_message
class String(Message):
    """A text with tags."""

    child: str = scalar(1, "string")
    tags: list[str] = repeated(2, "string")
    description: str = scalar(3, "string")
