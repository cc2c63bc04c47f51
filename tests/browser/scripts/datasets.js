// Datasets, loaders and transforms on the page.
async () => {
  const { data, LocalTensor, tensor } = sw;
  const { core, tfjs } = data.transform;
  const errors = [];
  const attempt = (run) => { try { run(); } catch (error) { errors.push(error.message); } };
  attempt(() => new data.Dataset());
  attempt(() => new (class extends data.Dataset { get length() { return 1; } })());
  attempt(() => new (class extends data.Dataset { getItem() { return 1; } })());
  class Numbers extends data.Dataset {
    #offset = 10;
    get length() { return 5; }
    getItem(i) { return [i, new Float32Array([i, this.#offset])]; }
  }
  const numbers = new Numbers();
  const loader = new data.DataLoader({ dataset: numbers, batchSize: 2, shuffle: false });
  const seen = [];
  for (const [first, second] of loader) seen.push([await first.array(), second.shape]);
  const shuffled = new data.DataLoader({ dataset: numbers, batchSize: 2, dropLast: true });
  const rows = [];
  for (const [first] of shuffled) rows.push(...(await first.array()));
  const two = new tfjs.Normalize({ mean: [1, 2], std: [1, 2] });
  attempt(() => two.apply([[1], [2], [3]]));
  attempt(() => [...new data.DataLoader({ dataset: new data.ArrayDataset([{ data: new Uint8Array(2) }]) })]);
  class Twice extends core.Transform { applyToItem(item, { by }) { return item * by; } }
  return {
    errors, seen, item: numbers[3][0], batches: [loader.length, shuffled.length],
    rows: rows.length === 4 && new Set(rows).size === 4,
    normal: two.apply([[1, 2], [2, 4]])[0].array(),
    oneHot: new tfjs.OneHot({ depth: 3 }).apply(new Uint8Array([2, 0]))[0].array(),
    toTensor: new tfjs.ToTensor({}, { shape: [1, 2] }).apply(new Uint8Array([1]), [1, 2])
      .map((one) => [one.dtype, one.shape]),
    own: new core.Compose([new Twice({ by: 2 }), new Twice(null, { by: 3 })]).apply(1, 1),
  };
};
