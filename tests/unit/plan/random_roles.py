"""Random small roles with views, in-place actions, copies and values read again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from syft_web.plan import Action, Role
from tests.unit.plan.builders import act, role

SIZE = 3

# Kinds of values: M is a float32 matrix, V a vector, N an int64 matrix, B a bool matrix.
# Templates name the operands by kind; the result's kind stands before the arrow.
PURE = """
M > add M M | M > add M V | M > sub M M | M > mul M 2 | M > mul M 1 | M > mul M 0 | M > add M 0
M > add M 0.0 | M > sub M 0 | M > div M 2 | M > neg M | M > relu M | M > tanh M | M > abs M
M > mul M M | M > matmul M M | M > mul N M | M > mul B M | M > float B | M > float N | M > float M
M > __rsub__ M 1 | M > maximum M M | M > clone M | M > copy M | M > add N M | M > double M
V > sum M 0 | V > sum M 1 | V > add V V | V > mul V 0.5 | V > clone V | V > matmul M V
B > __gt__ M M | B > __gt__ M 0 | B > eq M M | N > add N N | N > mul N 1 | N > add N 0
N > argsort M 1 | N > long B | N > clone N | V > add V 0 | N > long N | M > mul M V
"""
VIEWS = """
M > t M | M > detach M | M > view M [3,3] | M > reshape M [3,3] | V > select M 0 1
V > select M 1 0 | V > diagonal M | M > contiguous M | N > t N | V > view V [3]
M > transpose M 0 1 | V > squeeze V
"""
IN_PLACE = """
M > add_ M M | M > add_ M V | M > mul_ M 2 | M > sub_ M M | M > relu_ M | M > zero_ M | M > t_ M
M > copy_ M M | V > add_ V V | V > mul_ V 0 | N > add_ N N | M > mul_ M M | M > add_ M N
M > __iadd__ M M | V > fill_ V 3 | M > tanh_ M | M > add_ M 1 | M > addmm_ M M M
"""
FUNCTIONS = """
M > torch.addmm V M M | M > torch.nn.functional.linear M M V | M > torch.nn.functional.linear M M
M > torch.matmul M M | M > torch.stack [V,V,V] | M > torch.where B M M | V > torch.mv M V
M > torch.addmm M M M | M > torch.cat [M] | M > torch.softmax M 1
"""

# What trainings are made of; ``^`` is the result of the action before.
CHAINS = """
M > matmul M M ; M > add ^ V ; M > relu ^
M > matmul M M ; M > add ^ V
M > matmul M M ; M > relu ^
M > matmul M M ; M > t ^ ; M > add M ^
M > matmul M M ; M > t ^ ; M > copy ^ ; M > mul ^ 1
M > matmul M M ; M > add_ M ^
M > matmul M M ; M > matmul M M ; M > add r ^
M > matmul M M ; M > t ^ ; M > matmul M M ; M > add_ r ^
M > mul M V ; M > add ^ M ; M > sub M ^
M > matmul M M ; M > mul ^ 0.5 ; M > sub M ^
M > matmul M M ; M > matmul M M ; M > add_ r ^ ; M > mul ^ 2 ; M > sub M ^
M > mul M 0 ; M > add ^ 0 ; M > add ^ 0 ; M > add ^ 0
M > t M ; M > t ^ ; M > add_ ^ M
M > mul M M ; M > t ^ ; M > add ^ M
M > mul M M ; V > select ^ 0 1 ; M > add r V
"""


@dataclass(frozen=True)
class Template:
    """One kind of action."""

    result: str
    command: str
    operands: tuple[str, ...]
    method: bool


def _templates(text: str, method: bool) -> list[Template]:
    parts = [t.strip() for line in text.strip().splitlines() for t in line.split("|")]
    found = []
    for part in parts:
        result, _, rest = part.partition(" > ")
        command, *operands = rest.split()
        found.append(Template(result, command, tuple(operands), method))
    return found


TEMPLATES = [
    *_templates(PURE, True),
    *_templates(VIEWS, True),
    *_templates(IN_PLACE, True),
    *_templates(IN_PLACE, True),  # twice as often
    *_templates(FUNCTIONS, False),
]


SEQUENCES = [
    [_templates(part, True)[0] for part in line.split(";")] for line in CHAINS.strip().splitlines()
]


@dataclass
class _Roles:
    draw: st.DrawFn
    by_kind: dict[str, list[str]] = field(
        default_factory=lambda: {"M": ["m", "n"], "V": ["v"], "N": ["i"], "B": ["b"]}
    )
    actions: list[Action] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    def add(self, template: Template) -> None:
        operands = [self._operand(text) for text in template.operands]
        name = f"r{len(self.actions)}"
        if self.draw(st.integers(0, 5)) == 0:  # an id that is there already
            name = self.draw(st.sampled_from(self.by_kind[template.result]))
        if template.method:
            self.actions.append(act(name, template.command, *operands[1:], on=operands[0]))
        else:
            self.actions.append(act(name, template.command, *operands))
        self.results.append(name)
        if name not in self.by_kind[template.result]:
            self.by_kind[template.result].append(name)

    def _operand(self, text: str) -> object:
        if text[0] == "[":
            return [self._operand(t) for t in text[1:-1].split(",")]
        if text == "^":
            return "$" + self.results[-1]
        if text == "r":  # the one before
            return "$" + self.results[-2]
        if text in self.by_kind:
            # Recent values more often: chains make passes meet.
            names = self.by_kind[text]
            last = self.draw(st.integers(0, 2))
            return "$" + (names[-1] if last == 0 else self.draw(st.sampled_from(names)))
        return float(text) if "." in text else int(text)


@st.composite
def roles(draw: st.DrawFn, most: int = 14) -> Role:
    """Inputs m, n (float32 3x3), v (float32 3), i (int64 3x3), b (bool 3x3); perhaps state s."""
    made = _Roles(draw)
    state = {"s": np.arange(9, dtype=np.float32).reshape(3, 3)} if draw(st.booleans()) else {}
    made.by_kind["M"] += state
    one = st.sampled_from(TEMPLATES).map(lambda template: [template])
    for sequence in draw(st.lists(one | st.sampled_from(SEQUENCES), min_size=1, max_size=most)):
        for template in sequence:
            made.add(template)
    names = [name for kind in made.by_kind.values() for name in kind]
    outputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=5))
    return role("m n v i b", made.actions, " ".join(outputs), state=state)


def arguments(seed: int) -> list[np.ndarray]:
    """Small whole numbers, so that products are exact whatever the order of their sums."""
    rng = np.random.default_rng(seed)
    m, n = rng.integers(-3, 4, (2, SIZE, SIZE)).astype(np.float32)
    m[0, 0] = -0.0
    return [
        m,
        n,
        rng.integers(-3, 4, SIZE).astype(np.float32),
        rng.integers(-3, 4, (SIZE, SIZE)),
        rng.integers(0, 2, (SIZE, SIZE)).astype(np.bool_),
    ]
