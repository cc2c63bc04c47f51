// @ts-check
/**
 * Numbers on the page: what a tensor can be made of, and what datasets and transforms work on.
 */

import { SyftError } from "./errors.js";

/** @typedef {{length: number, [index: number]: any, slice: () => any} & ArrayBufferView} TypedArray */
/** @typedef {number | boolean | any[]} Nested Numbers, in arrays in arrays to any depth. */

/**
 * A tensor of TensorFlow.js, as far as it matters here.
 *
 * @typedef {object} TfTensor
 * @property {number[]} shape
 * @property {string} dtype
 * @property {() => any} dataSync
 * @property {() => Promise<any>} data
 */

/** What a tensor can be made of. @typedef {Nested | ArrayBufferView | LocalTensor | TfTensor} Values */

/** @type {Record<string, any>} */
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** @param {string} message */
function wrong(message) {
  return new SyftError({ code: "data", message, where: "tensor" });
}

/** A typed array with a shape, on the page. Nothing of it is in the worker. */
export class LocalTensor {
  /**
   * @param {TypedArray} values In row order.
   * @param {number[]} [shape] Default: one axis.
   * @param {string} [dtype] Default: that of the typed array; `bool` is kept in a `Uint8Array`.
   */
  constructor(values, shape = [values.length], dtype = dtypeOf(values)) {
    const size = shape.reduce((product, axis) => product * axis, 1);
    if (size !== values.length) {
      throw wrong(`Shape [${shape}] has room for ${size} numbers, not for ${values.length}.`);
    }
    this.values = values;
    this.shape = shape;
    this.dtype = dtype;
  }

  /** Number of axes. */
  get rank() {
    return this.shape.length;
  }

  /** Number of elements. */
  get size() {
    return this.values.length;
  }

  /** The numbers in nested arrays, a plain number for rank 0. */
  array() {
    return nest(this.values, this.shape);
  }
}

/**
 * Any numbers as a `LocalTensor`; typed arrays and tensors of the page are not copied.
 *
 * @param {Values} source
 * @param {number[] | null} [shape]
 * @param {string | null} [dtype] Nested arrays are `float32` by default, of booleans `bool`.
 * @returns {LocalTensor}
 */
export function localOf(source, shape, dtype) {
  const found = read(source);
  const type = dtype ?? found.dtype;
  if (!(type in arrays)) {
    throw wrong(`There are no tensors of dtype ${type}, only of ${Object.keys(arrays).join(", ")}.`);
  }
  return new LocalTensor(cast(found, type), shape ?? found.shape, type);
}

/**
 * @param {LocalTensor} source
 * @param {string} dtype
 * @returns {TypedArray}
 */
function cast({ values, dtype: from }, dtype) {
  const kind = arrays[dtype];
  if (from === dtype) return values;
  if (dtype === "bool") return Uint8Array.from(/** @type {any} */ (values), (/** @type {any} */ x) => Number(Boolean(x)));
  const whole = kind === BigInt64Array || kind === BigUint64Array;
  return kind.from(values, (/** @type {any} */ x) => (whole ? BigInt(x) : Number(x)));
}

/**
 * @param {Values} source
 * @returns {LocalTensor}
 */
function read(source) {
  if (source instanceof LocalTensor) return source;
  if (isTf(source)) {
    if (source.dtype === "string" || source.dtype === "complex64") {
      throw wrong(`Tensors of ${source.dtype} are not for training.`);
    }
    // What TensorFlow.js gives may be its own memory, which must not be moved away.
    return new LocalTensor(source.dataSync().slice(), source.shape, source.dtype);
  }
  if (ArrayBuffer.isView(source)) {
    if (source instanceof DataView) throw wrong("A DataView has no dtype; give a typed array.");
    return new LocalTensor(/** @type {any} */ (source));
  }
  return unnest(source);
}

/** @param {any} value @returns {value is TfTensor} */
export function isTf(value) {
  return typeof value?.dataSync === "function" && Array.isArray(value.shape);
}

/**
 * @param {Nested} nested
 * @returns {LocalTensor}
 */
function unnest(nested) {
  /** @type {number[]} */
  const shape = [];
  for (let level = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  /** @type {(number | boolean)[]} */
  const flat = [];
  /** @param {Nested} value @param {number} axis */
  const visit = (value, axis) => {
    if (axis === shape.length) {
      if (typeof value !== "number" && typeof value !== "boolean") {
        throw wrong(`A tensor is made of numbers; found ${Array.isArray(value) ? "an array" : typeof value}.`);
      }
      flat.push(value);
    } else {
      if (!Array.isArray(value) || value.length !== shape[axis]) {
        throw wrong(`The nested arrays are uneven: axis ${axis} should have ${shape[axis]} elements.`);
      }
      for (const item of value) visit(item, axis + 1);
    }
  };
  visit(nested, 0);
  const bools = flat.length > 0 && flat.every((value) => typeof value === "boolean");
  const values = /** @type {any} */ (bools ? Uint8Array : Float32Array).from(flat, Number);
  return new LocalTensor(values, shape, bools ? "bool" : "float32");
}

/**
 * @param {TypedArray} values
 * @param {number[]} shape
 * @returns {any} Nested arrays; integers of 64 bits become plain numbers.
 */
export function nest(values, shape) {
  let level = Array.from(/** @type {any} */ (values), Number);
  /** @type {any[]} */
  let rows = level;
  for (const length of shape.slice(1).reverse()) {
    const count = length ? rows.length / length : 0;
    rows = Array.from({ length: count }, (_, i) => rows.slice(i * length, (i + 1) * length));
  }
  return shape.length ? rows : rows[0];
}

/**
 * The values in a buffer of their own, which can be moved away: theirs if it holds nothing else.
 *
 * @param {ArrayBufferView} values
 * @returns {TypedArray}
 */
export function movable(values) {
  const typed = /** @type {any} */ (values);
  return typed.byteLength === typed.buffer.byteLength && typed.buffer instanceof ArrayBuffer ? typed : typed.slice();
}

/** @param {ArrayBufferView} values */
export function dtypeOf(values) {
  return values.constructor.name.replace(/Clamped|Big|Array$/g, "").toLowerCase();
}
