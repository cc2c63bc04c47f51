"""Give a Plan a second role for the original syft.js, which runs TensorFlow.js.

syft.js 0.1.x executes only ``tf.*`` commands, arguments by position
(protocol.md sections 2.6 and 4.9). Its plans were translated name by name on the
server; here each torch action becomes what *means* the same in TensorFlow.js 1.x,
and an action with no such counterpart is refused. Dense models translate;
convolutions and their like do not.

Limits of syft.js that no translation mends: it takes the number 0 for a missing
input, and it reads all plain numbers as float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from syft_web.author.tfjs_backward import RULES, Rule, UntranslatableError
from syft_web.errors import TracingError
from syft_web.ops.row import BindError, Operand, Row
from syft_web.ops.table import Op, lookup
from syft_web.plan.plan import Action, Arg, Id, Placeholder, Plan, Ref, Role

__all__ = ["to_tfjs", "with_tfjs"]


def with_tfjs(plan: Plan) -> Plan:
    """The same plan with a ``tfjs`` role beside its ``torch`` role.

    Raises:
        TracingError: An action has no counterpart; names its index and command.
    """
    role = to_tfjs(plan.roles["torch"])
    translated = replace(plan, roles={**plan.roles, "tfjs": role})
    replace(translated, framework="tfjs").validate()
    return translated


def to_tfjs(role: Role) -> Role:
    """Translate a torch role.

    Args:
        role: Recorded with `trace`. Where an operation needs to know the number of
            dimensions, the placeholders' shapes tell.

    Raises:
        TracingError: An action has no counterpart; names its index and command.
    """
    translation = _Translation(role)
    for index, action in enumerate(role.actions):
        try:
            translation.add(action)
        except UntranslatableError as reason:
            raise TracingError(
                f"action {index} ({action.command}) cannot be translated for syft.js: {reason}. "
                "Write it with other operations, or host the plan without a tfjs role."
            ) from None
    return replace(
        role,
        actions=tuple(translation.actions),
        placeholders=(*role.placeholders, *translation.extra),
    )


class _Translation:
    """Collects the translated actions of one role."""

    def __init__(self, role: Role) -> None:
        self.actions: list[Action] = []
        self.extra: list[Placeholder] = []
        self._role = role
        self._next = 1 + max((p.id for p in role.placeholders if isinstance(p.id, int)), default=0)
        self._used = set(role.output_ids)
        for action in role.actions:
            self._used |= _ids([action.target, *action.args, *action.kwargs.values()])
        self._shared: set[Id] = set()  # tensors that views look at, or that are views
        self._kinds: dict[Id, str] = {}  # "bool" or "int"; all others are float

    def add(self, action: Action) -> None:
        """Translate one action."""
        op = lookup(action.command, method=action.target is not None)
        if op is None:
            raise UntranslatableError("it is not in the op table")
        args = list(action.args) if action.target is None else [action.target, *action.args]
        row, values = _bind(op, args, action.kwargs)
        rule = _RULES.get(row.name)
        if rule is None:
            raise UntranslatableError("TensorFlow.js has no such operation")
        if op.in_place and not self._shared.isdisjoint(_ids(args)):
            raise UntranslatableError("it changes memory that another tensor shares")
        if row.view:
            self._shared |= _ids(args) | set(action.return_ids)
        first, *others = action.return_ids
        if not self._used.isdisjoint(others):
            raise UntranslatableError("syft.js keeps only the first of several results")
        rule(self, values, first)

    def emit(self, command: str, args: Sequence[Arg], result: Id | None = None) -> Ref:
        """Append ``tf.<command>(*args)``.

        Args:
            command: Name of the function in TensorFlow.js.
            args: Its arguments, all by position.
            result: Placeholder of the result; a new one without.
        """
        if result is None:
            result, self._next = self._next, self._next + 1
            self.extra.append(Placeholder(result))
        self._kinds[result] = _kind(command, args, [self.kind(arg) for arg in args])
        self.actions.append(Action(f"tf.{command}", None, tuple(args), {}, (result,)))
        return Ref(result)

    def kind(self, value: Arg) -> str:
        """Element type as TensorFlow.js will have it: ``float``, ``int`` or ``bool``."""
        return self._kinds.get(value.id, "float") if isinstance(value, Ref) else "float"

    def rank(self, value: Arg) -> int:
        """Number of dimensions of a tensor."""
        shape = self._role.placeholder(value.id).expected_shape if isinstance(value, Ref) else None
        if shape is None:
            raise UntranslatableError("the number of dimensions of its operand is not recorded")
        return len(shape)


def _bind(op: Op, args: list[Arg], kwargs: Mapping[str, Arg]) -> tuple[Row, dict[str, Any]]:
    """The op table's row that fits, and the arguments by its parameters' names."""
    ids = sorted(_ids([*args, *kwargs.values()]), key=str)

    def hide(value: Any) -> Any:
        if isinstance(value, list):
            return [hide(item) for item in value]
        return Operand(ids.index(value.id)) if isinstance(value, Ref) else value

    def show(value: Any) -> Any:
        if isinstance(value, list):
            return [show(item) for item in value]
        return Ref(ids[value.register]) if isinstance(value, Operand) else value

    try:
        bound = op.bind([hide(arg) for arg in args], {key: hide(v) for key, v in kwargs.items()})
    except BindError as error:
        raise UntranslatableError(str(error)) from None
    names = [param.name for param in bound.row.params]
    return bound.row, dict(zip(names, map(show, bound.values), strict=True))


def _ids(value: Any) -> set[Id]:
    """Every placeholder that an argument refers to."""
    if isinstance(value, Ref):
        return {value.id}
    return {id for item in value for id in _ids(item)} if isinstance(value, list) else set()


_COMPARISONS = {"equal", "notEqual", "greater", "greaterEqual", "less", "lessEqual"}
_KEEP_KIND = {
    "abs", "add", "clone", "expandDims", "gather", "max", "maximum", "min", "minimum", "mul", "neg",
    "pad", "relu", "reshape", "squeeze", "sub", "transpose",
}  # fmt: skip


def _kind(command: str, args: Sequence[Arg], kinds: Sequence[str]) -> str:
    """Element type of a result in TensorFlow.js (protocol.md section 4.12)."""
    if command in _COMPARISONS:
        return "bool"
    if command in ("argMax", "argMin"):
        return "int"
    if command == "cast":
        return {"int32": "int", "bool": "bool"}.get(str(args[1]), "float")
    tensors = [kind for arg, kind in zip(args, kinds, strict=True) if not isinstance(arg, list)]
    if command in ("sum", "prod"):
        return "float" if kinds[0] == "float" else "int"
    if command in _KEEP_KIND and "float" not in tensors:
        return "int" if "int" in tensors else "bool"
    return "float"


_RULES: dict[str, Rule] = {**RULES}


def _same(command: str, *parameters: str, **needs: Any) -> Rule:
    """The function of the same meaning, given these parameters by position.

    Parameters that the function lacks must have the values in ``needs``.
    """

    def rule(to: _Translation, values: dict[str, Any], result: Id) -> None:
        for name, needed in needs.items():
            if values[name] != needed:
                raise UntranslatableError(f"TensorFlow.js has no {name}={values[name]!r} for it")
        to.emit(command, [values[parameter] for parameter in parameters], result)

    return rule


def _reduce(command: str) -> Rule:
    """Over the given dimensions, or all."""

    def rule(to: _Translation, values: dict[str, Any], result: Id) -> None:
        if values.get("dtype") is not None:
            raise UntranslatableError("TensorFlow.js has no dtype for it")
        args = [values["self"]]
        if values.get("dim") not in (None, []):
            args += [values["dim"], values["keepdim"]]
        to.emit(command, args, result)

    return rule


def _position(command: str) -> Rule:
    def rule(to: _Translation, values: dict[str, Any], result: Id) -> None:
        if values["dim"] is None or values["keepdim"]:
            raise UntranslatableError("TensorFlow.js needs a dim for it, and does not keep it")
        to.emit(command, [values["self"], values["dim"]], result)

    return rule


def _cast(dtype: str) -> Rule:
    return lambda to, values, result: to.emit("cast", [values["self"], dtype], result)


def _divide(to: _Translation, over: Arg, under: Arg, result: Id) -> None:
    if "float" not in (to.kind(over), to.kind(under)):
        over = to.emit("cast", [over, "float32"])  # tf.div would divide integers as integers
    to.emit("div", [over, under], result)


def _div(to: _Translation, values: dict[str, Any], result: Id) -> None:
    if values["rounding_mode"] is not None:
        raise UntranslatableError("TensorFlow.js has no rounding mode for it")
    _divide(to, values["self"], values["other"], result)


def _linear(to: _Translation, values: dict[str, Any], result: Id) -> None:
    transposed = to.emit("transpose", [values["weight"]])
    bias = values["bias"]
    product = to.emit("matMul", [values["self"], transposed], result if bias is None else None)
    if bias is not None:
        to.emit("add", [product, bias], result)


def _transpose(to: _Translation, values: dict[str, Any], result: Id) -> None:
    order: list[Arg] = list(range(to.rank(values["self"])))
    first, second = values["dim0"], values["dim1"]
    order[first], order[second] = order[second], order[first]
    to.emit("transpose", [values["self"], order], result)


def _softmax(command: str) -> Rule:
    def rule(to: _Translation, values: dict[str, Any], result: Id) -> None:
        if values["dim"] not in (-1, to.rank(values["self"]) - 1) or values.get("dtype"):
            raise UntranslatableError("TensorFlow.js does it along the last dimension only")
        to.emit(command, [values["self"], -1], result)

    return rule


_UNARY = (
    "abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "exp", "expm1", "floor", "log",
    "log1p", "neg", "reciprocal", "relu", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh",
    "sqrt", "square", "tan", "tanh",
)  # fmt: skip

_RULES.update(
    {
        **{name: _same(name, "self") for name in _UNARY},
        **{
            name: _same(command, "self", "other")
            for name, command in {
                "mul": "mul",
                "eq": "equal",
                "ne": "notEqual",
                "gt": "greater",
                "ge": "greaterEqual",
                "lt": "less",
                "le": "lessEqual",
                "maximum": "maximum",
                "minimum": "minimum",
                "matmul": "matMul",
            }.items()
        },
        "add": _same("add", "self", "other", alpha=1),
        "sub": _same("sub", "self", "other", alpha=1),
        "rsub": _same("sub", "other", "self", alpha=1),
        "pow": _same("pow", "self", "exponent"),
        "rpow": _same("pow", "other", "self"),
        "mm": _same("matMul", "self", "mat2"),
        "div": _div,
        "rtruediv": lambda to, v, result: _divide(to, v["other"], v["self"], result),
        "linear": _linear,
        "sum": _reduce("sum"),
        "mean": _reduce("mean"),
        "prod": _reduce("prod"),
        "max": _reduce("max"),
        "min": _reduce("min"),
        "amax": _reduce("max"),
        "amin": _reduce("min"),
        "argmax": _position("argMax"),
        "argmin": _position("argMin"),
        "softmax": _softmax("softmax"),
        "log_softmax": _softmax("logSoftmax"),
        "t": _same("transpose", "self"),
        "transpose": _transpose,
        "permute": _same("transpose", "self", "dims"),
        "reshape": _same("reshape", "self", "shape"),
        "view": _same("reshape", "self", "size"),
        "unsqueeze": _same("expandDims", "self", "dim"),
        "clone": _same("clone", "self"),
        "alias": _same("clone", "self"),
        "contiguous": _same("clone", "self"),
        "float": _cast("float32"),
        "long": _cast("int32"),
        "int": _cast("int32"),
        "bool": _cast("bool"),
    }
)
