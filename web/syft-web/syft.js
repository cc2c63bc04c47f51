// @ts-check
import { Emitter } from "./emitter.js";
import { sharedGuards } from "./guards.js";
import { Job } from "./job.js";
import { Courier, SavedCycle } from "./kept.js";
import { sharedRuntime } from "./runtime.js";

/** @typedef {import("./runtime.js").Runtime} Runtime */

/** @typedef {import("./guards.js").Guards} Guards */
/** @typedef {import("./kept.js").Delivery} Delivery */

/**
 * @typedef {object} SyftOptions
 * @property {string} [url] Of the grid; begins with ws, wss, http or https.
 * @property {string} [gridUrl] The same; syft.js's README calls it so.
 * @property {boolean} [verbose] Logs the steps to the console.
 * @property {string} [authToken] For every job that is given none of its own.
 * @property {unknown} [peerConfig] Taken and ignored, as by syft.js.
 * @property {string | URL} [workerUrl]
 * @property {Runtime} [runtime]
 * @property {boolean} [keep] Whether cycles outlive a reload (see `resumable`) and tabs take turns
 *   at a model; default true.
 * @property {Guards | false} [guards] When to wait, e.g. while the battery is low; by default all
 *   of `guards.js`, false for none.
 */

/**
 * The connection to one grid.
 *
 * Events: `delivered` with a `Delivery` when kept work was handed in (or can never be), `waiting`
 * with `{modelName, seconds}` while the grid is out of reach for it.
 */
export class Syft extends Emitter {
  /** @param {SyftOptions} options */
  constructor(options) {
    super();
    const { gridUrl = "", url = gridUrl, verbose = false, authToken } = options;
    const { workerUrl, runtime, keep = true, guards } = options;
    this.url = url;
    this.verbose = verbose;
    this.authToken = authToken;
    this.runtime = runtime ?? sharedRuntime(workerUrl);
    /** @type {Promise<number>} */
    this._id = this.runtime.call("open", { url, verbose, keep }).then((result) => result.syft);
    // Whoever uses the object awaits this and hears of the failure.
    this._id.catch(() => undefined);
    this.guards = guards === false ? null : (guards ?? sharedGuards());
    this._courier = new Courier(this);
    // What an earlier visit could not hand in.
    if (keep) this._courier.deliver().catch(() => undefined);
  }

  /**
   * Cycles that a reload or a crash has left and that are still open, the latest first; for
   * `job.resume`. Those that another tab is at work on are not among them.
   *
   * @returns {Promise<SavedCycle[]>}
   */
  async resumable() {
    const { cycles } = await this.runtime.call("resumable", { syft: await this._id });
    return cycles.map((/** @type {any} */ info) => new SavedCycle(this, info));
  }

  /**
   * Hands in finished work that could not be sent before. This happens by itself when a `Syft` is
   * made, after a report that failed, and when the device is online again.
   *
   * @returns {Promise<Delivery[]>} What became of it; empty when nothing was kept.
   */
  deliver() {
    return this._courier.deliver();
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
  _tell(event, payload) {
    this._emit(event, payload);
  }

  /**
   * @param {{modelName: string, modelVersion?: string, authToken?: string | null}} options Without
   *   `modelVersion`, the newest.
   * @returns {Job} May also be awaited, as older syft.js has it.
   */
  newJob({ modelName, modelVersion, authToken }) {
    return new Job(this, { modelName, modelVersion, authToken: authToken ?? this.authToken });
  }

  /** Closes the connection; what was made through it stays, and opens a new one when it must. */
  async disconnect() {
    await this.runtime.call("close", { syft: await this._id, keep: true });
  }

  /** Closes the connection and frees all that was made through it. */
  async close() {
    await this._courier.close();
    await this.runtime.call("close", { syft: await this._id });
  }
}
