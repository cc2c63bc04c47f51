// @ts-check
import { Emitter } from "./emitter.js";
import { SyftError } from "./errors.js";

/** @typedef {import("./emitter.js").Handler} Handler */

/**
 * One worker with Python in it. `Syft` objects share one by default.
 *
 * Events: `boot` with `{stage, received, total}` (bytes) while Python is being loaded.
 * `traffic` for all that goes over the network, as `syft-web/traffic.js` describes it.
 */
export class Runtime extends Emitter {
  /** @param {{workerUrl?: string | URL}} [options] */
  constructor({ workerUrl } = {}) {
    super();
    this._worker = new Worker(workerUrl ?? new URL("../syft-worker.js", import.meta.url), {
      type: "module",
      name: "syft_web",
    });
    this._nextId = 1;
    this._lastHandle = 0;
    /** @type {Map<number, {resolve: (v: any) => void, reject: (e: Error) => void, onEvent?: Handler}>} */
    this._calls = new Map();
    /** @type {SyftError | null} */
    this._broken = null;
    this._worker.addEventListener("message", ({ data: message }) => this._receive(message));
    this._worker.addEventListener("error", (event) =>
      this._break("worker", event.message || "The worker's script could not be loaded."),
    );
    this._worker.addEventListener("messageerror", () =>
      this._break("worker", "A message of the worker could not be read."),
    );
    /**
     * Resolves when Python is ready for work.
     * @type {Promise<{ms: number, python: string}>}
     */
    this.ready = new Promise((resolve, reject) => {
      this._readyDone = { resolve, reject };
    });
    this.ready.catch(() => undefined);
    this._registry = new FinalizationRegistry((/** @type {number} */ id) => this.release([id]));
  }

  /**
   * Sends a command to the bridge.
   *
   * @param {string} command
   * @param {Record<string, unknown>} [args]
   * @param {{onEvent?: Handler, transfer?: Transferable[]}} [options]
   * @returns {Promise<any> & {id: number}} The result; rejects with a `SyftError`.
   */
  call(command, args = {}, { onEvent, transfer = [] } = {}) {
    const id = this._nextId++;
    const promise = new Promise((resolve, reject) => {
      if (this._broken) return reject(this._broken);
      this._calls.set(id, { resolve, reject, onEvent });
      this._worker.postMessage({ id, command, ...args }, transfer);
    });
    return Object.assign(promise, { id });
  }

  /** A number that the page may give to an object it makes; the worker's own are above 0. */
  newHandle() {
    this._lastHandle -= 1;
    return this._lastHandle;
  }

  /**
   * What the worker keeps: objects, how many of each kind, and the bytes that Python has taken.
   *
   * @returns {Promise<{objects: number, kinds: Record<string, number>, heapBytes: number}>}
   */
  stats() {
    return this.call("stats");
  }

  /**
   * Cancels a running command; its promise rejects with the code `cancelled`.
   *
   * @param {number} id
   */
  async cancel(id) {
    if (this._calls.has(id)) await this.call("cancel", { target: id });
  }

  /**
   * Frees objects of the worker; harmless for those that are gone.
   *
   * @param {number[]} handles
   */
  release(handles) {
    if (!this._broken) this._worker.postMessage({ id: this._nextId++, command: "release", handles });
  }

  /** Ends the worker at once; everything under way rejects with the code `cancelled`. */
  terminate() {
    this._break("cancelled", "Stopped.");
  }

  /**
   * Lets the garbage collector free the worker's object together with the page's handle.
   *
   * @param {object} owner
   * @param {number} id
   */
  _watch(owner, id) {
    this._registry.register(owner, id, owner);
  }

  /** @param {object} owner */
  _unwatch(owner) {
    this._registry.unregister(owner);
  }

  /** @param {any} message */
  _receive(message) {
    if (message.kind === "boot") {
      this._emit("boot", message);
      if (message.stage === "ready") this._readyDone?.resolve(message);
    } else if (message.kind === "traffic") {
      this._emit("traffic", message);
    } else if (message.kind === "boot-failed") {
      this._break(message.code, message.message, message.where);
    } else {
      const call = this._calls.get(message.id);
      if (!call) return;
      if (message.event === "result") {
        this._calls.delete(message.id);
        call.resolve(message.value);
      } else if (message.event === "failure") {
        this._calls.delete(message.id);
        call.reject(new SyftError(message));
      } else {
        call.onEvent?.(message);
      }
    }
  }

  /**
   * @param {string} code
   * @param {string} message
   * @param {string} [where]
   */
  _break(code, message, where = "worker") {
    if (this._broken) return;
    this._broken = new SyftError({ code, message, where });
    this._worker.terminate();
    for (const call of this._calls.values()) call.reject(this._broken);
    this._calls.clear();
    this._readyDone?.reject(this._broken);
  }

  /** False once the worker has failed or was terminated. */
  get alive() {
    return this._broken === null;
  }
}

/** @type {Map<string, Runtime>} */
const runtimes = new Map();

/**
 * The shared runtime of a worker URL; a new one when the last has failed.
 *
 * @param {string | URL} [workerUrl]
 */
export function sharedRuntime(workerUrl) {
  const key = String(workerUrl ?? "");
  let runtime = runtimes.get(key);
  if (!runtime?.alive) runtimes.set(key, (runtime = new Runtime({ workerUrl })));
  return runtime;
}
