// Tensors from all that they can be made of, and their end.
async () => {
  const { tensor, Tensor, LocalTensor } = sw;
  const wrong = [];
  for (const [values, shape, dtype] of [
    [[[1, 2], [3]]], [[1, 2], [3]], [["a"]], [[1], null, "string"],
  ]) {
    try { tensor(values, shape, dtype); } catch (error) { wrong.push(error.code); }
  }
  const floats = new Float32Array([1, 2, 3, 4, 5, 6]);
  const made = [
    tensor(floats, [2, 3]), tensor([[1, 2], [3, 4]]), tensor([true, false]), tensor(2.5),
    tensor(new BigInt64Array([5n])), tensor([1, 2], null, "int64"),
    tensor(new Uint8Array([0, 1, 2, 3]).subarray(1, 3)),
    tensor(new LocalTensor(new Int32Array(0), [0, 2])),
  ];
  const all = [];
  for (const one of made) all.push([one.dtype, one.shape, await one.array()]);
  const clone = made[0].clone();
  made[0].dispose();
  made[0].dispose();
  const kept = Array.from(await clone.data());
  clone.dispose();
  const gone = await clone.data().catch((error) => error.code);
  made.forEach((one) => one.dispose());
  return { wrong, all, kept, gone, left: floats.byteLength, facts: [clone.rank, clone.size] };
};
