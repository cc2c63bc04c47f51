// @ts-check
import { collate, uploaded } from "./collate.js";
import { Dataset } from "./dataset.js";
import { dtypeOf } from "./local.js";
import { sharedRuntime } from "./runtime.js";
import { transform } from "./transform.js";

/** @typedef {import("./runtime.js").Runtime} Runtime */
/** @typedef {Dataset & {length: number}} Sized A dataset of one's own. */

/**
 * @typedef {object} Column One array of a dataset; all have the same number of rows.
 * @property {ArrayBufferView} data A typed array; its buffer is moved into the worker.
 * @property {number[]} [shape] Default: one number a row.
 * @property {number} [divide] Numbers become float32, divided by this, e.g. 255.
 * @property {number} [oneHot] Rows become float32 one-hot rows of this depth.
 */

/**
 * Rows kept as the bytes they are, inside the worker; only a batch at a time becomes floats.
 */
export class ArrayDataset {
  /**
   * @param {Column[]} columns
   * @param {{runtime?: Runtime}} [options]
   */
  constructor(columns, { runtime = sharedRuntime() } = {}) {
    this.runtime = runtime;
    const rows = columns.map(({ data: values, shape }) => shape?.[0] ?? /** @type {any} */ (values).length);
    this.length = rows[0] ?? 0;
    const args = {
      columns: columns.map(({ data: values, shape, divide, oneHot }, i) => ({
        data: values,
        dtype: dtypeOf(values),
        shape: shape ?? [rows[i]],
        divide,
        oneHot,
      })),
    };
    const transfer = [...new Set(columns.map((column) => /** @type {ArrayBuffer} */ (column.data.buffer)))];
    /** @type {Promise<number>} */
    this._id = runtime.call("data", args, { transfer }).then((result) => result.dataset);
    /** Resolves when the worker has the bytes. */
    this.ready = this._id.then((id) => runtime._watch(this, id));
    this.ready.catch(() => undefined);
  }

  /** Frees the bytes in the worker. */
  async dispose() {
    this.runtime._unwatch(this);
    this.runtime.release([await this._id]);
  }
}

/**
 * Batches of a dataset; each epoch goes through the rows anew.
 *
 * In `job.train` the worker chooses the order, which depends on nothing but the seed and the number
 * of the epoch; so a training can go on where it stopped. In a loop of the page's own, which only a
 * `Dataset` allows, every `for (const batch of loader)` has a new order; the tensors of a batch are
 * then yours to dispose of.
 */
export class DataLoader {
  /**
   * @param {{dataset: ArrayDataset | Sized, batchSize?: number, shuffle?: boolean,
   *   dropLast?: boolean, seed?: number, runtime?: Runtime}} options `dropLast` leaves out a last
   *   batch that would be short.
   */
  constructor({ dataset, batchSize = 1, shuffle = true, dropLast = false, seed, runtime }) {
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.seed = seed;
    this._runtime = runtime;
  }

  /** Batches in one epoch. */
  get length() {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** @returns {Generator<any, void>} */
  *[Symbol.iterator]() {
    const runtime = this._runtime ?? sharedRuntime();
    const order = Array.from({ length: this.dataset.length }, (_, i) => i);
    if (this.shuffle) shuffle(order);
    for (let batch = 0; batch < this.length; batch++) {
      const indices = order.slice(batch * this.batchSize, (batch + 1) * this.batchSize);
      yield uploaded(collate(this._samples(indices)), runtime);
    }
  }

  /**
   * The samples of a batch, stacked on the page.
   *
   * @param {number[]} indices
   */
  async fetch(indices) {
    return collate(await Promise.all(this._samples(indices)));
  }

  /** @param {number[]} indices @returns {any[]} */
  _samples(indices) {
    const { dataset } = this;
    if (dataset instanceof ArrayDataset) {
      throw new TypeError("The rows of an ArrayDataset are in the worker; give it to job.train.");
    }
    return indices.map((index) => dataset.getItem(index));
  }
}

/** @param {number[]} order */
function shuffle(order) {
  const random = new Uint32Array(1);
  for (let last = order.length - 1; last > 0; last--) {
    const other = crypto.getRandomValues(random)[0] % (last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
}

/** Under the names of syft.js, and `ArrayDataset`. */
export const data = { ArrayDataset, DataLoader, Dataset, transform };
