// @ts-check
/**
 * What this browser keeps of cycles: where a training was left, and work not handed in yet.
 *
 * ```js
 * job.resumeOrStart();                        // goes on by itself where there is something left
 *
 * const [saved] = await syft.resumable();     // or asks first
 * if (saved && confirm(`Go on with ${saved.modelName}?`)) {
 *   const job = syft.newJob(saved);           // the same model
 *   job.on("accepted", () => job.train("training_plan", options));   // as always: it goes on
 *   await job.resume(saved);
 * }
 * ```
 *
 * The records lie in the origin's IndexedDB; the worker reads and writes them, and the secret key
 * of a cycle stays there.
 */
import { SyftError } from "./errors.js";

/** @typedef {import("./syft.js").Syft} Syft */

/**
 * @typedef {object} Delivery What became of work that was kept.
 * @property {string} modelName
 * @property {"reported" | "refused" | "waiting"} outcome `waiting`: the grid is still out of reach.
 * @property {string} text The same in words.
 * @property {string | null} reason Why a reported difference does not count, if the grid says so.
 */

/** A cycle that a reload or a crash has left. */
export class SavedCycle {
  /**
   * @param {Syft} syft
   * @param {any} info
   */
  constructor(syft, info) {
    this._syft = syft;
    this._id = info.id;
    /** @type {string} */
    this.modelName = info.model_name;
    /** @type {string | undefined} */
    this.modelVersion = info.model_version ?? undefined;
    /** When the worker joined the cycle. */
    this.savedAt = new Date(info.saved_at * 1000);
    /** Where training stood; null when it had not begun. @type {number | null} */
    this.epoch = info.epoch ?? null;
    /** Batches of that epoch that were done. @type {number | null} */
    this.batch = info.batch ?? null;
  }

  /** Removes it: nobody wants to go on with it. */
  async forget() {
    const syft = await this._syft._id;
    await this._syft.runtime.call("forget", { syft, saved: this._id });
  }
}

/** Sends kept work whenever there may be a grid to take it. One at a time is under way. */
export class Courier {
  /** @param {Syft} syft */
  constructor(syft) {
    this._syft = syft;
    /** @type {Promise<Delivery[]> | null} */
    this._running = null;
    /** @type {number | null} */
    this._call = null;
    // The page may drop its Syft without closing it.
    const weak = new WeakRef(this);
    this._online = () => void weak.deref()?.again();
    globalThis.addEventListener?.("online", this._online);
  }

  /** @returns {Promise<Delivery[]>} */
  deliver() {
    this._running ??= this._deliver().finally(() => {
      this._running = this._call = null;
    });
    return this._running;
  }

  /** Tries at once, also in the middle of a long wait. */
  async again() {
    await this.cancel();
    await this.deliver().catch(() => undefined);
  }

  async cancel() {
    const running = this._running;
    if (this._call !== null) await this._syft.runtime.cancel(this._call).catch(() => undefined);
    await running?.catch(() => undefined);
  }

  async close() {
    globalThis.removeEventListener?.("online", this._online);
    await this.cancel();
  }

  /** @returns {Promise<Delivery[]>} */
  async _deliver() {
    const syft = await this._syft._id;
    const onEvent = (/** @type {any} */ event) =>
      this._syft._tell("waiting", { modelName: event.model_name, seconds: event.seconds });
    const call = this._syft.runtime.call("deliver", { syft }, { onEvent });
    this._call = call.id;
    try {
      const { deliveries } = await call;
      return deliveries.map((/** @type {any} */ { model_name, ...rest }) => {
        const delivery = { modelName: model_name, ...rest };
        this._syft._tell("delivered", delivery);
        return delivery;
      });
    } catch (error) {
      if (error instanceof SyftError && error.code === "cancelled") return [];
      throw error;
    }
  }
}
