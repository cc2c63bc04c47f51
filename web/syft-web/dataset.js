// @ts-check
/**
 * Base of datasets of your own: samples made in the page, one by one.
 *
 * ```js
 * class Digits extends data.Dataset {
 *   get length() { return this.labels.length; }
 *   getItem(index) { return [this.images[index], this.labels[index]]; }
 * }
 * ```
 *
 * A sample is a tensor, typed array or number, or a list or an object of such; `getItem` may also
 * give a promise of one, for use with `job.train`. `dataset[3]` is short for `getItem(3)`.
 */
export class Dataset {
  constructor() {
    const own = new.target.prototype;
    if (new.target === Dataset) throw new TypeError("Dataset is abstract, extend it.");
    if (own.getItem === Dataset.prototype.getItem) throw new TypeError("Override the method getItem.");
    if (!("length" in own)) throw new TypeError("Override the getter length.");
    return new Proxy(this, {
      get: (target, key, self) =>
        typeof key === "string" && /^\d+$/.test(key) ? self.getItem(Number(key)) : Reflect.get(target, key, self),
    });
  }

  /**
   * Sample number `_index`, from 0.
   *
   * @param {number} _index
   * @returns {any}
   */
  getItem(_index) {
    throw new TypeError("Override the method getItem.");
  }
}
