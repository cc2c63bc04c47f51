// @ts-check
import { LocalTensor, dtypeOf, isTf, localOf, movable, nest } from "./local.js";
import { sharedRuntime } from "./runtime.js";

/** @typedef {import("./local.js").Values} Values */
/** @typedef {import("./runtime.js").Runtime} Runtime */
/** @typedef {{id: number, shape: number[], dtype: string}} TensorInfo */

/**
 * What all clones of a handle share: the array in the worker goes with the last of them.
 *
 * @typedef {{runtime: Runtime, id: number, uses: number}} Share
 */

/** @param {Share} share */
function drop(share) {
  share.uses -= 1;
  if (share.uses === 0) share.runtime.release([share.id]);
}

/** @type {FinalizationRegistry<Share>} */
const forgotten = new FinalizationRegistry(drop);

/**
 * A handle to an array that lives in the worker. The array never changes.
 *
 * Make one with `tensor`; plans and models give others. It is freed by `dispose`, or by itself some
 * time after the page has forgotten it.
 */
export class Tensor {
  /**
   * @param {Runtime} runtime
   * @param {TensorInfo} info
   * @param {object} [owner] What the array lives and dies with in the worker.
   * @param {Share} [share] Of the handle that this is a clone of.
   */
  constructor(runtime, info, owner, share = { runtime, id: info.id, uses: 0 }) {
    this.runtime = runtime;
    this.id = info.id;
    this.shape = info.shape;
    /** As NumPy calls it: `float32`, `int64`, `bool`, ... */
    this.dtype = info.dtype;
    /** Whether `dispose` was called. */
    this.isDisposed = false;
    // While this handle is in use, its owner must not be collected.
    this._owner = owner;
    this._share = share;
    share.uses += 1;
    forgotten.register(this, share, this);
  }

  /**
   * Puts numbers into the worker, and waits until they are there.
   *
   * @param {Runtime} runtime
   * @param {Values} values As for `tensor`.
   * @param {number[]} [shape]
   * @param {string} [dtype]
   */
  static async from(runtime, values, shape, dtype) {
    const { data, ...rest } = described(localOf(values, shape ?? null, dtype));
    const transfer = [/** @type {ArrayBuffer} */ (data.buffer)];
    return new Tensor(runtime, await runtime.call("tensor", { data, ...rest }, { transfer }));
  }

  /** Number of axes. */
  get rank() {
    return this.shape.length;
  }

  /** Number of elements. */
  get size() {
    return this.shape.reduce((product, axis) => product * axis, 1);
  }

  /** A typed array with a copy of the numbers, in row order; of `bool` a `Uint8Array`. */
  async data() {
    return (await this.runtime.call("tensor-data", { tensor: this.id })).data;
  }

  /** The numbers in nested arrays; a plain number for rank 0. */
  async array() {
    return nest(await this.data(), this.shape);
  }

  /** Another handle to the same array; each must be disposed of by itself. */
  clone() {
    return new Tensor(this.runtime, this, this._owner, this._share);
  }

  /** Frees the array in the worker, if no clone is left. */
  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    forgotten.unregister(this);
    drop(this._share);
  }
}

/**
 * Puts numbers into the worker and gives the handle at once.
 *
 * @param {Values} values A number, nested arrays, a typed array, or a tensor of TensorFlow.js. The
 *   buffer of a typed array is moved, so it is empty afterwards, unless it is a part of a larger
 *   one.
 * @param {number[] | null} [shape] Default: that of the values.
 * @param {string | null} [dtype] Default: that of a typed array; `float32` for numbers.
 * @param {{runtime?: Runtime}} [options]
 * @returns {Tensor}
 */
export function tensor(values, shape, dtype, { runtime = sharedRuntime() } = {}) {
  const message = { ...described(localOf(values, shape, dtype)), handle: runtime.newHandle() };
  const transfer = [/** @type {ArrayBuffer} */ (message.data.buffer)];
  // What could be wrong has been checked; if the worker is gone, whoever uses the handle hears it.
  runtime.call("tensor", message, { transfer }).catch(() => undefined);
  return new Tensor(runtime, { id: message.handle, shape: message.shape, dtype: message.dtype });
}

/**
 * A handle to the given numbers, for one use: what the page gave is copied, not moved.
 *
 * @param {Tensor | Values} values
 * @param {Runtime} runtime
 * @returns {Promise<{handle: Tensor, free: () => void}>} `free` disposes of what was made here.
 */
export async function borrowed(values, runtime) {
  if (values instanceof Tensor) return { handle: values, free: () => undefined };
  /** @type {Values} */
  let copy = values;
  if (isTf(values)) {
    const numbers = new LocalTensor((await values.data()).slice(), values.shape, values.dtype);
    copy = numbers;
  } else if (values instanceof LocalTensor) {
    copy = new LocalTensor(values.values.slice(), values.shape, values.dtype);
  } else if (ArrayBuffer.isView(values)) {
    copy = /** @type {any} */ (values).slice();
  }
  const handle = tensor(copy, null, null, { runtime });
  return { handle, free: () => handle.dispose() };
}

/**
 * @param {LocalTensor} local
 * @returns {{data: import("./local.js").TypedArray, dtype: string, shape: number[]}}
 */
export function described(local) {
  return { data: movable(local.values), dtype: local.dtype, shape: local.shape };
}

export { dtypeOf };
