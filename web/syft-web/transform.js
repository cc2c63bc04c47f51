// @ts-check
/**
 * What happens to one sample of a dataset, in the page: the transforms of syft.js.
 *
 * For rows that are only scaled or turned into one-hot rows, `ArrayDataset` does the same to whole
 * batches inside the worker, which is far quicker.
 */

import { LocalTensor, localOf } from "./local.js";

/** @typedef {import("./local.js").Values} Values */

/** Base of transforms: one object of options for each element of a sample. */
export class Transform {
  /** @param {...any} options Where one is null or left out, that element stays as it is. */
  constructor(...options) {
    this.options = options;
  }

  /**
   * @param {...any} items The elements of a sample.
   * @returns {any[]}
   */
  apply(...items) {
    return items.map((item, i) => (this.options[i] ? this.applyToItem(item, this.options[i]) : item));
  }

  /**
   * Override this.
   *
   * @param {any} item
   * @param {any} _options
   * @returns {any}
   */
  applyToItem(item, _options) {
    return item;
  }
}

/** Transforms one after the other. */
export class Compose extends Transform {
  /** @param {Transform[]} transforms First to last. */
  constructor(transforms) {
    super();
    this.transforms = transforms;
  }

  /**
   * @param {...any} items
   * @returns {any[]}
   */
  apply(...items) {
    return this.transforms.reduce((done, transform) => transform.apply(...done), items);
  }
}

/** Numbers to a tensor. Options: `shape`, `dtype`; whole numbers of a typed array become `int32`. */
export class ToTensor extends Transform {
  /**
   * @param {Values} item
   * @param {{shape?: number[], dtype?: string}} options
   */
  applyToItem(item, { shape, dtype }) {
    const found = localOf(item, shape);
    const small = /^u?int(8|16)$/.test(found.dtype);
    return localOf(found, null, dtype ?? (small ? "int32" : found.dtype));
  }
}

/**
 * `(x - mean) / std` as `float32`. Options: `mean` and `std`, lists with one number, or with one for
 * each channel, which are the first axis.
 */
export class Normalize extends Transform {
  /**
   * @param {Values} item
   * @param {{mean: number[], std: number[]}} options
   */
  applyToItem(item, { mean, std }) {
    const { values, shape } = localOf(item, null, "float32");
    const channels = shape.length > 1 ? shape[0] : 1;
    if (mean.length !== std.length || (mean.length !== 1 && mean.length !== channels)) {
      throw new TypeError(
        `Normalize: ${mean.length} means and ${std.length} deviations for ${channels} channels.`,
      );
    }
    const each = values.length / mean.length;
    const scaled = Float32Array.from(/** @type {any} */ (values), (/** @type {number} */ x, i) => {
      const channel = Math.floor(i / each);
      return Math.fround(x - Math.fround(mean[channel])) / Math.fround(std[channel]);
    });
    return new LocalTensor(/** @type {any} */ (scaled), shape);
  }
}

/**
 * Class numbers to `float32` rows with a single one. Options: `depth`, the number of classes, and
 * `squeeze`, to leave out axes of length 1.
 */
export class OneHot extends Transform {
  /**
   * @param {Values} item
   * @param {{depth: number, squeeze?: boolean}} options
   */
  applyToItem(item, { depth, squeeze = false }) {
    const { values, shape } = localOf(item, null, "int32");
    const rows = new Float32Array(values.length * depth);
    for (let i = 0; i < values.length; i++) {
      if (values[i] >= 0 && values[i] < depth) rows[i * depth + values[i]] = 1;
    }
    const full = [...shape, depth];
    return new LocalTensor(/** @type {any} */ (rows), squeeze ? full.filter((axis) => axis !== 1) : full);
  }
}

/** Under the names of syft.js. */
export const transform = { core: { Transform, Compose }, tfjs: { ToTensor, Normalize, OneHot } };
