"""Examples for the rows of `sets` and `manipulate`, and of what joined older modules later."""

from __future__ import annotations

from tests.unit.ops.examples.base import Example, b, d, example, f, i, j

M = f([[1, 2, 3], [4, 5, 6]])
X = i(3, 1, 3, 3)
PAIR = f([[1, 2], [1, 2], [0, 5]])

EXAMPLES: list[Example] = [
    example("torch.unique", X, want=i(1, 3)),
    example("torch.unique", X, return_inverse=True, want=[i(1, 3), i(1, 0, 1, 1)]),
    example(".unique", X, return_counts=True, want=[i(1, 3), i(1, 3)]),
    example(".unique", X, True, True, True, want=[i(1, 3), i(1, 0, 1, 1), i(1, 3)]),
    example("torch.unique", PAIR, dim=0, want=f([[0, 5], [1, 2]])),
    example("torch.unique_dim", PAIR, 0, want=[f([[0, 5], [1, 2]]), i(1, 1, 0), i(1, 2)]),
    example("torch.unique_consecutive", X, want=i(3, 1, 3)),
    example(".unique_consecutive", X, True, want=[i(3, 1, 3), i(0, 1, 2, 2)]),
    example(".unique_consecutive", X, return_counts=True, want=[i(3, 1, 3), i(1, 1, 2)]),
    example("torch.unique_consecutive", PAIR, True, True, 0, want=[PAIR[1:], i(0, 0, 1), i(2, 1)]),
    example("torch.mode", i([[2, 1, 2], [3, 1, 0]]), want=[i(2, 0), i(2, 2)]),
    example(".mode", f([[2, 1], [2, 0]]), 0, True, want=[f([[2, 0]]), i([[1, 1]])]),
    example("torch.cartesian_prod", i(1, 2), i(5, 6), want=i([[1, 5], [1, 6], [2, 5], [2, 6]])),
    example("torch.combinations", f(1, 2, 3), want=f([[1, 2], [1, 3], [2, 3]])),
    example("torch.combinations", f(1, 2), 2, True, want=f([[1, 1], [1, 2], [2, 2]])),
    example("torch.resize_as_", M, f(0, 0), want=f(1, 2), mutated=f(1, 2)),
    example(".resize", f(1, 2, 3, 4), 2, 2, want=f([[1, 2], [3, 4]])),
    example(".resize_as", f(1, 2, 3, 4), f([[0, 0], [0, 0]]), want=f([[1, 2], [3, 4]])),
    example("torch.as_strided", M, [2, 2], [2, 1], 1, want=f([[2, 3], [4, 5]])),
    example(".resize_", M, 2, 2, want=f([[1, 2], [3, 4]]), mutated=f([[1, 2], [3, 4]])),
    example(".narrow_copy", M, 1, 1, 2, want=f([[2, 3], [5, 6]])),
    example(".__reversed__", M, want=M[::-1]),
    example("torch.diagflat", f([[1], [2]]), 1, want=f([[0, 1, 0], [0, 0, 2], [0, 0, 0]])),
    example(
        ".put_",
        M,
        i(0, -1),
        f(9, 8),
        want=f([[9, 2, 3], [4, 5, 8]]),
        mutated=f([[9, 2, 3], [4, 5, 8]]),
    ),
    example(".put_", M, i([0, 0]), f([9, 8]), True, want=f([[18, 2, 3], [4, 5, 6]])),
    example(".sum_to_size", M, 1, 3, want=f([[5, 7, 9]])),
    example(".sum_to_size", M, [], want=f(21.0)),
    example("torch.renorm", f([[3, 4], [0, 1]]), 2, 0, 2.5, want=f([[1.5, 2], [0, 1]])),
    example(
        "torch.embedding_renorm_",
        f([[3, 4], [6, 8]]),
        i(0),
        2.5,
        2.0,
        want=f([[1.5, 2], [6, 8]]),
        mutated=f([[1.5, 2], [6, 8]]),
    ),
    example("tf.layers.embedding", j(1, 0), f([[1, 2], [3, 4]]), want=f([[3, 4], [1, 2]])),
    example("torch.trapz", f(1, 3, 5), dx=0.5, want=f(3.0)),
    example("torch.trapz", f([[1, 3], [2, 2]]), f(0, 2), want=f(4, 4)),
    example("torch.pdist", f([[0, 0], [3, 4], [3, 0]]), want=f(5, 3, 4)),
    example(
        "torch.nn.functional.upsample_nearest", f([[[[1, 2]]]]), [1, 4], want=f([[[[1, 1, 2, 2]]]])
    ),
    example(
        "torch.nn.functional.upsample_bilinear",
        f([[[[1, 2]]]]),
        scale_factor=[1, 2],
        want=f([[[[1, 4 / 3, 5 / 3, 2]]]]),
    ),
    example("torch.range", 1, 3, want=f(1, 2, 3)),
    example("torch.logspace", 0, 2, 3, want=f(1, 10, 100), rtol=1e-5),
    example("torch.tril_indices", 2, 2, want=i([[0, 1, 1], [0, 0, 1]])),
    example("torch.triu_indices", 2, 3, 1, dtype="int32", want=j([[0, 0, 1], [1, 2, 2]])),
    example("torch.empty_strided", [2], [1], want=f(0, 0)),
    example(".cuda", M, want=M),
    example(".cuda", M, "cuda:0", want=M),
    example(".pin_memory", M, want=M),
    example(".share_memory_", M, want=M, mutated=M),
    example(".rename", M, "rows", None, want=M),
    example(".tolist", M, want=M),
    example(".__deepcopy__", M, want=M),
    example(".__float__", f([2]), want=d(2.0)),
    example(".__int__", f(-2.5), want=i(-2)),
    example(".__contains__", M, 5, want=b(True)),
    example(".element_size", d(1.0), want=i(8)),
]
