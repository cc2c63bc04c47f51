"""What a Plan is: plain values.

A Plan is a recorded list of tensor operations (actions) over placeholders. The
field names follow PySyft 0.2.9's own (protocol.md sections 4.2 and 4.5).

A plan holds one role per framework: ``torch`` (as recorded) and ``tfjs`` (a
translation). One of them, `Plan.role`, is the one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from syft_web.errors import PlanInvalidError
from syft_web.ops.chance import drawing
from syft_web.plan.limits import DEFAULT_LIMITS, Limits
from syft_web.plan.state import State
from syft_web.plan.values import Action, Arg, Id, Placeholder, Ref

if TYPE_CHECKING:
    from syft_web.ops.spec import Spec, Unknown
    from syft_web.plan.compile import Programs
    from syft_web.plan.explain import Explanation
    from syft_web.plan.graph import Graph
    from syft_web.plan.program import Program
    from syft_web.plan.verify import Report

__all__ = [
    "Action",
    "Arg",
    "Id",
    "Placeholder",
    "Plan",
    "Protocol",
    "Ref",
    "Role",
    "State",
]

_PREFERRED = ("torch", "tfjs")


@dataclass(frozen=True, slots=True)
class Role:
    """One way to run a plan: its actions and the placeholders they work on.

    Attributes:
        id: PySyft's id of the role.
        actions: The operations in order.
        state: Tensors that travel with the plan and are bound by placeholder id.
        placeholders: All named values, in any order; ids used only by actions may be left out.
        input_ids: Placeholders that receive the arguments, in order.
        output_ids: Placeholders whose values are the results, in order.
        tags: Free labels, sorted.
        description: Free text.
    """

    id: Id = 0
    actions: tuple[Action, ...] = ()
    state: State = field(default_factory=State)
    placeholders: tuple[Placeholder, ...] = ()
    input_ids: tuple[Id, ...] = ()
    output_ids: tuple[Id, ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""

    def placeholder(self, id: Id) -> Placeholder:
        """The placeholder with this id; a bare one when the role does not describe it."""
        for candidate in (*self.placeholders, *self.state.placeholders):
            if candidate.id == id:
                return candidate
        return Placeholder(id)

    @property
    def inputs(self) -> tuple[Placeholder, ...]:
        """The input placeholders, in order of the arguments."""
        return tuple(self.placeholder(id) for id in self.input_ids)

    @property
    def outputs(self) -> tuple[Placeholder, ...]:
        """The output placeholders, in order of the results."""
        return tuple(self.placeholder(id) for id in self.output_ids)


@dataclass(frozen=True)
class Plan:
    """A recorded computation with one role per framework.

    Attributes:
        id: PySyft's id of the plan.
        name: Name of the recorded function.
        roles: Framework name to role, ``"torch"`` and perhaps ``"tfjs"``.
        base_framework: The framework it was recorded in.
        framework: The key of `roles` that `execute` runs.
        tags: Free labels, sorted.
        description: Free text.
        torchscript: The TorchScript variant, opaque bytes that are only passed on
            (they are a zip of pickles: never loaded here).
        input_types: The ``NestedTypeWrapper`` message, opaque bytes that are only passed on.
        include_state: Whether the recorded function took its state as an argument.
        limits: Bounds on memory and work; they belong to the user, not to the plan.
    """

    id: Id = 0
    name: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    base_framework: str = "torch"
    framework: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    torchscript: bytes = b""
    input_types: bytes = b""
    include_state: bool = False
    limits: Limits = field(default=DEFAULT_LIMITS, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.framework:
            object.__setattr__(self, "framework", choose_framework(self.roles))

    @classmethod
    def from_role(
        cls,
        role: Role,
        *,
        name: str,
        framework: str = "torch",
        extra_roles: Mapping[str, Role] | None = None,
        id: Id = 0,
        tags: Sequence[str] = (),
        description: str = "",
        include_state: bool = False,
    ) -> Plan:
        """Build a plan from a role made in Python, and check it.

        Args:
            role: The role that runs.
            name: Name of the plan.
            framework: The framework whose commands `role` uses.
            extra_roles: Other variants, by framework.
            id: Id of the plan.
            tags: Free labels.
            description: Free text.
            include_state: As in `Plan`.

        Raises:
            PlanInvalidError: The role contradicts itself.
            UnknownCommandError: An action's command is in no row of the op table.
        """
        plan = cls(
            id=id,
            name=name,
            roles={framework: role, **(extra_roles or {})},
            base_framework=framework,
            framework=framework,
            tags=tuple(sorted(tags)),
            description=description,
            include_state=include_state,
        )
        plan.validate()
        return plan

    @classmethod
    def loads(
        cls,
        data: bytes | bytearray | memoryview,
        framework: str | None = None,
        *,
        limits: Limits | None = None,
    ) -> Plan:
        """Read a plan from its bytes, and check the role that is to run.

        Args:
            data: Protobuf bytes (syft-proto 0.4.9 to 0.5.3) or our own msgpack bundle.
            framework: Role to run; by default ``torch`` if the plan has it, else
                ``tfjs``, else the first.
            limits: How large the plan may be, now and whenever it runs; None means
                `syft_web.plan.limits.DEFAULT_LIMITS`.

        Raises:
            DecodeError: The bytes are no Plan.
            LayoutError: The bytes are of an older layout.
            PlanInvalidError: The plan contradicts itself, or lacks that framework.
            PlanLimitError: It is larger than the limits, whatever its arguments are.
            UnknownCommandError: An action's command is in no row of the op table.
        """
        from syft_web.plan import serde

        plan = serde.plan_from_bytes(data, framework, limits or DEFAULT_LIMITS)
        plan.validate()
        return plan

    def dumps(self, format: Literal["protobuf", "msgpack"] = "protobuf") -> bytes:
        """Write the plan as bytes.

        Args:
            format: ``"protobuf"`` is PySyft's own format, ``"msgpack"`` our compact bundle.

        Raises:
            EncodeError: The plan holds a value the format has no place for.
        """
        from syft_web.plan import serde

        return serde.plan_to_bytes(self, format)

    @property
    def role(self) -> Role:
        """The role that runs."""
        return self.roles[self.framework]

    @property
    def inputs(self) -> tuple[Placeholder, ...]:
        """Input placeholders of the role that runs."""
        return self.role.inputs

    @property
    def outputs(self) -> tuple[Placeholder, ...]:
        """Output placeholders of the role that runs."""
        return self.role.outputs

    @cached_property
    def graph(self) -> Graph:
        """The role that runs, with its commands resolved once.

        Raises:
            PlanInvalidError: Lists every problem with its action index.
            UnknownCommandError: The same, when a command is in no row of the op table.
        """
        from syft_web.plan.resolve import resolve

        return resolve(self.role, self.framework, self.name)

    @cached_property
    def program(self) -> Program:
        """The role that runs as a flat list of steps that fits any arguments."""
        from syft_web.plan.lower import lower

        return lower(self.graph)

    def validate(self) -> None:
        """Check the role that runs: commands, arguments, placeholders, outputs.

        Raises:
            PlanInvalidError: Lists every problem with its action index.
            UnknownCommandError: The same, when a command is in no row of the op table.
            PlanLimitError: It exceeds its limits, whatever its arguments are.
        """
        if self.framework not in self.roles:
            raise PlanInvalidError(
                f"Plan {self.name!r} has no role for {self.framework!r}; it has "
                f"{', '.join(sorted(self.roles)) or 'none'}. Choose one of these as framework."
            )
        from syft_web.plan.verify import check_constants

        check_constants(self.graph, self.limits)

    def verify(
        self,
        inputs: Sequence[Spec | Unknown] | None = None,
        limits: Limits | None = None,
    ) -> Report:
        """Check shapes, dtypes, memory and work before any data is touched.

        Args:
            inputs: One `Spec` per input. None: the shapes of the recording, where the plan
                has them. It may run with others, so problems found so need not be real.
            limits: Bounds; None means the plan's own.

        Returns:
            Everything that is wrong, with action index and command, and the plan's size.
        """
        from syft_web.plan.verify import report

        return report(self, inputs, limits or self.limits)

    @cached_property
    def programs(self) -> Programs:
        """What was compiled of the role that runs, by the shapes and dtypes of the arguments."""
        from syft_web.plan.compile import Programs

        return Programs(self.graph, self.limits)

    def execute(
        self,
        *args: Any,
        should_stop: Callable[[], bool] | None = None,
        noise: Sequence[int] | None = None,
    ) -> list[np.ndarray]:
        """Run the plan.

        The first run with arguments of new shapes or dtypes compiles it for them; the last few
        of these programs are kept.

        Args:
            args: One array or number per input placeholder. Lists, tuples and dicts
                are flattened depth-first (dicts by sorted key), so
                ``execute(X, y, bs, lr, [W1, b1, W2, b2])`` fills eight inputs. A Python
                float counts as float32, an int as int64 (float32 in a tfjs role), both
                without dimensions.
            should_stop: Asked before each step; when it says True, the run ends.
            noise: Integers from 0 on that the run's random numbers (dropout) shall depend on, and
                on nothing else; by default it draws what comes next.

        Returns:
            One array per output placeholder. They share no memory with the
            arguments, with the plan's state, or with each other.

        Raises:
            PlanArgumentError: Wrong number or kind of arguments.
            PlanExecutionError: An action failed, or would with these shapes and dtypes (then
                nothing was run); names its index, command and operands.
            PlanStoppedError: `should_stop` said so.
        """
        programs = self.programs
        arrays = programs.arguments.arrays(args)
        program = programs.get(arrays)
        if noise is None:
            return program.run_arrays(arrays, should_stop=should_stop)
        with drawing(*noise):
            return program.run_arrays(arrays, should_stop=should_stop)

    def listing(self) -> str:
        """The role that runs as readable text, one action a line."""
        from syft_web.plan.listing import listing

        return listing(self.role)

    def explain(
        self,
        inputs: Sequence[Spec | Unknown] | None = None,
        *,
        batch: int | None = None,
        time: bool = False,
    ) -> Explanation:
        """What becomes of the role that runs when it is compiled; print it to read it.

        Args:
            inputs: One `Spec` per input; None means the shapes of the recording.
            batch: Rows of the batch in place of those of the recording.
            time: Run it with random arguments and measure each step.

        Raises:
            PlanExecutionError: It cannot run with these shapes.
        """
        from syft_web.plan.explain import explain

        return explain(self, inputs, batch=batch, time=time)


@dataclass(frozen=True, slots=True)
class Protocol:
    """Several roles that act together (secure aggregation); only carried, never run.

    Attributes:
        id: PySyft's id.
        name: Name of the recorded function.
        roles: Role name (``"alice"``) to role.
        tags: Free labels, sorted.
        description: Free text.
    """

    id: Id = 0
    name: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    description: str = ""

    @classmethod
    def loads(cls, data: bytes | bytearray | memoryview) -> Protocol:
        """Read a protocol from its protobuf bytes.

        Raises:
            DecodeError: The bytes are no Protocol.
            LayoutError: The bytes are of an older layout.
        """
        from syft_web.plan import serde

        return serde.protocol_from_bytes(data)

    def dumps(self) -> bytes:
        """Write the protocol as protobuf bytes."""
        from syft_web.plan import serde

        return serde.protocol_to_bytes(self)


def choose_framework(roles: Mapping[str, Role], wanted: str | None = None) -> str:
    """The key of `roles` to run: `wanted`, else torch, else tfjs, else the first.

    Raises:
        PlanInvalidError: `wanted` is not there, or there are no roles.
    """
    if wanted is not None:
        if wanted in roles:
            return wanted
        raise PlanInvalidError(
            f"The plan has no role for framework {wanted!r}; it has "
            f"{', '.join(sorted(roles)) or 'none'}. Choose one of these, or leave it out."
        )
    for name in _PREFERRED:
        if name in roles:
            return name
    if not roles:
        raise PlanInvalidError("The plan has no roles, so there is nothing to run.")
    return next(iter(roles))
