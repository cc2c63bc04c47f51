// @ts-check
/** @typedef {(event: any) => void} Handler */

/** Handlers by event name, the small base of everything that has `on`. */
export class Emitter {
  constructor() {
    /** @type {Map<string, Handler[]>} */
    this._handlers = new Map();
  }

  /**
   * @param {string} event
   * @param {Handler} handler Called with `this` bound to the object.
   */
  on(event, handler) {
    this._handlers.set(event, [...(this._handlers.get(event) ?? []), handler]);
    return this;
  }

  /**
   * @param {string} event
   * @param {Handler} handler One that was given to `on`.
   */
  off(event, handler) {
    const rest = (this._handlers.get(event) ?? []).filter((known) => known !== handler);
    this._handlers.set(event, rest);
    return this;
  }

  /**
   * @param {string} event
   * @param {any} [payload]
   * @protected
   */
  _emit(event, payload) {
    for (const handler of this._handlers.get(event) ?? []) handler.call(this, payload);
  }
}
