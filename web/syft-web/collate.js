// @ts-check
import { LocalTensor, isTf, localOf } from "./local.js";
import { described, tensor } from "./tensor.js";

/** @typedef {import("./runtime.js").Runtime} Runtime */
/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {LocalTensor | any[] | Record<string, any>} Batch Tensors, in lists and objects. */

/**
 * Samples to a batch of the same structure, every leaf stacked along a new first axis.
 *
 * @param {any[]} samples Each a tensor, typed array or number, or a list or an object of such.
 * @returns {Batch}
 */
export function collate(samples) {
  const first = samples[0];
  if (isLeaf(first)) return stack(samples.map((sample) => localOf(sample)));
  if (Array.isArray(first)) return first.map((_, i) => collate(samples.map((sample) => sample[i])));
  if (first && typeof first === "object") {
    const keys = Object.keys(first);
    return Object.fromEntries(keys.map((key) => [key, collate(samples.map((sample) => sample[key]))]));
  }
  throw new TypeError(`A sample holds ${first === null ? "null" : typeof first}; give numbers or tensors.`);
}

/** @param {any} value */
function isLeaf(value) {
  const plain = typeof value === "number" || typeof value === "boolean";
  return plain || value instanceof LocalTensor || ArrayBuffer.isView(value) || isTf(value);
}

/** @param {LocalTensor[]} samples */
function stack(samples) {
  const { shape, dtype, values } = samples[0];
  const Kind = /** @type {any} */ (values).constructor;
  const all = new Kind(values.length * samples.length);
  samples.forEach((sample, i) => {
    if (String(sample.shape) !== String(shape) || sample.dtype !== dtype) {
      throw new TypeError(
        `The samples of a batch differ: ${dtype} [${shape}] and ${sample.dtype} [${sample.shape}].`,
      );
    }
    all.set(sample.values, i * values.length);
  });
  return new LocalTensor(all, [samples.length, ...shape], dtype);
}

/**
 * A batch with every tensor in the worker.
 *
 * @param {Batch} batch
 * @param {Runtime} runtime
 * @returns {any}
 */
export function uploaded(batch, runtime) {
  return mapped(batch, (leaf) => tensor(leaf, null, null, { runtime }));
}

/**
 * A batch as a message, and the buffers to move with it.
 *
 * @param {Batch} batch
 */
export function message(batch) {
  /** @type {Transferable[]} */
  const transfer = [];
  /** @param {Batch} part @returns {any} */
  const describe = (part) => {
    if (part instanceof LocalTensor) {
      const leaf = described(part);
      transfer.push(/** @type {ArrayBuffer} */ (leaf.data.buffer));
      return { leaf };
    }
    if (Array.isArray(part)) return { list: part.map(describe) };
    return { dict: Object.fromEntries(Object.entries(part).map(([key, item]) => [key, describe(item)])) };
  };
  return { batch: describe(batch), transfer };
}

/**
 * @param {Batch} batch
 * @param {(leaf: LocalTensor) => any} change
 * @returns {any}
 */
function mapped(batch, change) {
  if (batch instanceof LocalTensor) return change(batch);
  if (Array.isArray(batch)) return batch.map((item) => mapped(item, change));
  return Object.fromEntries(Object.entries(batch).map(([key, item]) => [key, mapped(item, change)]));
}
