"""Every error this package raises, as one tree.

::

    SyftError                          syft
    ├── WireError                      wire
    │   ├── DecodeError                wire.decode       bytes are not the expected message
    │   ├── LayoutError                wire.layout       an older syft-proto layout (G1-G3)
    │   ├── EncodeError                wire.encode       a value the format cannot carry
    │   └── MessageError               wire.message      a JSON message with a key missing or mistyped
    ├── PlanError                      plan
    │   ├── PlanInvalidError           plan.invalid      the plan contradicts itself (undefined placeholder, ...)
    │   │   └── PlanLimitError         plan.limit        the plan would need more memory or work than allowed
    │   ├── UnknownCommandError        plan.command      an action's command is in no row of the op table
    │   ├── TracingError               plan.tracing      a Python function that cannot be recorded as a plan
    │   │   └── CaptureError           plan.capture      a model that cannot be captured as a plan
    │   │       ├── DataDependentError plan.capture.data       what it does depends on the values of tensors
    │   │       ├── BatchSizeError     plan.capture.batch      it would run at the example's batch size only
    │   │       └── UnsupportedOpError plan.capture.operation  an operation that is in no row of the op table
    │   ├── PlanArgumentError          plan.arguments    wrong number, shape or dtype of arguments
    │   ├── PlanExecutionError         plan.execution    an action failed while running
    │   │   └── PlanShapeError         plan.shape        the same, by an argument's shape
    │   └── PlanStoppedError           plan.stopped      a run that was ended as asked
    ├── ModelError                     model             parameters do not fit the model
    ├── GridError                      grid
    │   ├── GridAddressError           grid.address      the address given cannot be a grid's
    │   ├── GridUnreachableError       grid.unreachable  no connection could be made
    │   ├── GridClosedError            grid.closed       the connection ended in the middle
    │   ├── GridTimeoutError           grid.timeout      no answer in time
    │   ├── GridRefusedError           grid.refused      the grid answered with an error of its own
    │   │   └── AuthenticationError    grid.authentication
    │   └── GridAnswerError            grid.answer       an answer that is not of the protocol (HTML, ...)
    ├── CycleError                     cycle
    │   ├── JobStateError              cycle.state       a call that the job's state does not allow
    │   ├── DownloadError              cycle.download    model, plan or protocol could not be had
    │   └── CycleEndedError            cycle.ended       a kept cycle is not open any more
    ├── TrainingError                  training          specs, data or a step of the training loop
    ├── DataError                      data              a dataset or file that is not what it says
    ├── HostError                      host              this runtime lacks something (a library, a browser API)
    ├── BridgeError                    bridge            a page's message that its worker cannot follow
    └── ServiceError                   service           the embedded grid refuses a request
        ├── HostingError           service.hosting   what was to be hosted is not whole or not supported
        ├── AggregationError       service.averaging the reports of a cycle cannot be averaged
        └── StoreError             service.store     the grid's database does not answer

The codes are stable: programs may compare them, documentation explains each.
A message says what was wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "AggregationError",
    "AuthenticationError",
    "BatchSizeError",
    "BridgeError",
    "CaptureError",
    "CycleEndedError",
    "CycleError",
    "DataDependentError",
    "DataError",
    "DecodeError",
    "DownloadError",
    "EncodeError",
    "GridAddressError",
    "GridAnswerError",
    "GridClosedError",
    "GridError",
    "GridRefusedError",
    "GridTimeoutError",
    "GridUnreachableError",
    "HostError",
    "HostingError",
    "JobStateError",
    "LayoutError",
    "MessageError",
    "ModelError",
    "PlanArgumentError",
    "PlanError",
    "PlanExecutionError",
    "PlanInvalidError",
    "PlanLimitError",
    "PlanShapeError",
    "PlanStoppedError",
    "ServiceError",
    "StoreError",
    "SyftError",
    "TracingError",
    "TrainingError",
    "UnknownCommandError",
    "UnsupportedOpError",
    "WireError",
]


class SyftError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: Stable, dotted name of the kind of error, for programs.
    """

    code: ClassVar[str] = "syft"


class WireError(SyftError):
    """Bytes or text that cannot be turned into a message, or back."""

    code = "wire"


class DecodeError(WireError):
    """The bytes are not a protobuf message of the expected type.

    Args:
        message: What was wrong and what to do.
        path: Message and field where it happened, e.g. ``"Plan.role.actions"``.
        offset: Byte offset in the outermost buffer, when known.
    """

    code = "wire.decode"

    def __init__(self, message: str, *, path: str = "", offset: int | None = None) -> None:
        self.path = path
        self.offset = offset
        super().__init__(message)


class LayoutError(DecodeError):
    """The bytes are of an older syft-proto layout that is not read.

    Args:
        message: What was wrong and what to do.
        generation: ``"G1"``, ``"G2"`` or ``"G3"`` (protocol.md section 4.3).
        path: As in `DecodeError`.
    """

    code = "wire.layout"

    def __init__(self, message: str, *, generation: str, path: str = "") -> None:
        self.generation = generation
        super().__init__(message, path=path)


class EncodeError(WireError):
    """A value that the wire format has no place for."""

    code = "wire.encode"


class MessageError(WireError):
    """A JSON message lacks a key, or a key has the wrong type.

    Args:
        message: What was wrong and what to do.
        key: Dotted path of the offending key, empty when the whole message is meant.
    """

    code = "wire.message"

    def __init__(self, message: str, *, key: str = "") -> None:
        self.key = key
        super().__init__(message)


class PlanError(SyftError):
    """A plan that cannot be used as asked."""

    code = "plan"


class PlanInvalidError(PlanError):
    """The plan contradicts itself.

    Args:
        message: Summary; the problems are appended, one a line.
        problems: Each problem in words, with action index and command.
    """

    code = "plan.invalid"

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n  ".join([message, *self.problems]))


class PlanLimitError(PlanInvalidError):
    """The plan would need more actions, memory or work than is allowed.

    See `syft_web.plan.verify.Limits`; a caller who trusts the plan may allow more.

    Attributes:
        index: Zero-based index of the first action to blame, None when none is.
        command: Its command, empty when no action is to blame.
    """

    code = "plan.limit"

    def __init__(
        self,
        message: str,
        problems: Sequence[str] = (),
        *,
        index: int | None = None,
        command: str = "",
    ) -> None:
        self.index = index
        self.command = command
        super().__init__(message, problems)


class UnknownCommandError(PlanInvalidError):
    """An action's command is in no row of the op table.

    Attributes:
        index: Zero-based index of the first such action.
        command: Its command as written in the plan.
    """

    code = "plan.command"

    def __init__(
        self, message: str, problems: Sequence[str] = (), *, index: int, command: str
    ) -> None:
        self.index = index
        self.command = command
        super().__init__(message, problems)


class TracingError(PlanError):
    """A Python function does something that cannot be recorded as a plan."""

    code = "plan.tracing"


class CaptureError(TracingError):
    """A model of torch or jax, its loss or optimizer, that cannot be captured as a plan.

    Attributes:
        where: File and line of the user's own code that is to blame, empty when not known.
    """

    code = "plan.capture"

    def __init__(self, message: str, *, where: str = "") -> None:
        self.where = where
        super().__init__(message)


class DataDependentError(CaptureError):
    """What the model does depends on the values of tensors, not only on their shapes."""

    code = "plan.capture.data"


class BatchSizeError(CaptureError):
    """The captured plan would be right at the example's batch size only."""

    code = "plan.capture.batch"


class UnsupportedOpError(CaptureError):
    """The model uses operations that a plan cannot hold.

    Attributes:
        operations: Their names, sorted, e.g. ``("aten.cdist.default",)`` or jax's ``("sort",)``.
    """

    code = "plan.capture.operation"

    def __init__(self, message: str, *, operations: Sequence[str] = (), where: str = "") -> None:
        self.operations = tuple(operations)
        super().__init__(message, where=where)


class PlanArgumentError(PlanError):
    """A plan was called with the wrong number, shape or dtype of arguments."""

    code = "plan.arguments"


class PlanExecutionError(PlanError):
    """An action failed while the plan was running.

    Attributes:
        index: Zero-based index of the action, None when no action is to blame.
        command: Its command, empty when no action is to blame.
    """

    code = "plan.execution"

    def __init__(self, message: str, *, index: int | None = None, command: str = "") -> None:
        self.index = index
        self.command = command
        super().__init__(message)


class PlanShapeError(PlanArgumentError, PlanExecutionError):
    """An action failed, and arguments have other shapes than when the plan was recorded.

    A plan may be run with other batch sizes, so shapes are not refused beforehand.
    """

    code = "plan.shape"


class PlanStoppedError(PlanError):
    """A plan was ended before its last action, because whoever ran it asked for that."""

    code = "plan.stopped"


class ModelError(SyftError):
    """Parameters that do not fit the model (number, shape, dtype, not finite)."""

    code = "model"


class GridError(SyftError):
    """The conversation with the grid failed.

    Attributes:
        during: The protocol step, e.g. ``"authenticate"``, ``"get-plan"``.
    """

    code = "grid"

    def __init__(self, message: str, *, during: str = "") -> None:
        self.during = during
        super().__init__(message)


class GridAddressError(GridError):
    """The address given cannot be a grid's (scheme, host or port)."""

    code = "grid.address"


class GridUnreachableError(GridError):
    """No connection to the grid could be made."""

    code = "grid.unreachable"


class GridClosedError(GridError):
    """The grid closed the connection in the middle of a conversation."""

    code = "grid.closed"


class GridTimeoutError(GridError):
    """The grid did not answer in time."""

    code = "grid.timeout"


class GridRefusedError(GridError):
    """The grid answered with an error text of its own.

    Attributes:
        status: HTTP status, None over a WebSocket.
        text: The grid's words, first line only.
    """

    code = "grid.refused"

    def __init__(
        self, message: str, *, during: str = "", status: int | None = None, text: str = ""
    ) -> None:
        self.status = status
        self.text = text
        super().__init__(message, during=during)


class AuthenticationError(GridRefusedError):
    """The grid refused the worker's token, or wants one."""

    code = "grid.authentication"


class GridAnswerError(GridError):
    """The grid's answer is not of the protocol (an HTML page, malformed JSON, ...)."""

    code = "grid.answer"


class CycleError(SyftError):
    """A training cycle cannot go on."""

    code = "cycle"


class JobStateError(CycleError):
    """A call that the job's present state does not allow."""

    code = "cycle.state"


class DownloadError(CycleError):
    """An asset of an accepted cycle could not be had or read.

    Attributes:
        asset: ``"model"``, ``"plan NAME"`` or ``"protocol NAME"``.
    """

    code = "cycle.download"

    def __init__(self, message: str, *, asset: str = "") -> None:
        self.asset = asset
        super().__init__(message)


class CycleEndedError(CycleError):
    """A cycle that was to be resumed is not open any more; a new one can be joined."""

    code = "cycle.ended"


class TrainingError(SyftError):
    """Input or output specs, data, or a step of the training loop are wrong."""

    code = "training"


class DataError(SyftError):
    """A dataset, loader or data file that is not what it says."""

    code = "data"


class HostError(SyftError):
    """This runtime lacks something that is needed (a library, a browser API)."""

    code = "host"


class ServiceError(SyftError):
    """The embedded grid refuses a request; the text travels to the client as it is.

    Args:
        text: What the client is told. Where PyGrid has a text for the case (protocol.md
            section 1.8), it begins with that text.
        status: HTTP status of the refusal, for calls whose status tells success from failure.
    """

    code = "service"

    def __init__(self, text: str, *, status: int = 400) -> None:
        self.text = text
        self.status = status
        super().__init__(text)


class HostingError(ServiceError):
    """What was to be hosted is not whole, contradicts itself or is not supported."""

    code = "service.hosting"


class AggregationError(ServiceError):
    """The reports of a cycle cannot be averaged into new parameters."""

    code = "service.averaging"


class StoreError(ServiceError):
    """The grid's database does not answer, or refuses to write."""

    code = "service.store"

    def __init__(self, text: str, *, status: int = 503) -> None:
        super().__init__(text, status=status)


class BridgeError(SyftError):
    """A message of a page that its worker cannot follow: unknown command, stale handle, ..."""

    code = "bridge"
