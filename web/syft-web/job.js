// @ts-check
import { Emitter } from "./emitter.js";
import { SyftError } from "./errors.js";
import { SyftModel } from "./model.js";
import { Plan } from "./plan.js";
import { PlanTrainer } from "./trainer.js";

/** @typedef {import("./emitter.js").Handler} Handler */
/** @typedef {import("./syft.js").Syft} Syft */
/** @typedef {import("./trainer.js").TrainOptions} TrainOptions */

/**
 * Taking part in one cycle.
 *
 * Events, as in syft.js: `accepted` with `{model, clientConfig}`; `rejected` with `{timeout}` in
 * seconds (undefined: the model is not trained any more) and, where the grid says why, `{reason}`, a
 * short code; `error` with a `SyftError`. Two more:
 * `progress` with `{stage, asset, received, total, text}`, where the stage `turn` waits for another
 * tab and `guard` for the person's guards; and `countdown` with `{seconds, text}`, about once a
 * second while `join` waits.
 */
export class Job extends Emitter {
  /**
   * @param {Syft} worker
   * @param {{modelName: string, modelVersion?: string, authToken?: string}} options
   */
  constructor(worker, { modelName, modelVersion, authToken }) {
    super();
    this.worker = worker;
    this.modelName = modelName;
    this.modelVersion = modelVersion;
    /** @type {Record<string, any>} */
    this.clientConfig = {};
    /** @type {Record<string, Plan>} */
    this.plans = {};
    /** Names of the protocols that came with the cycle. @type {string[]} */
    this.protocols = [];
    /** @type {SyftModel | null} */
    this.model = null;
    /** @type {number | null} */
    this._running = null;
    this._cancels = 0;
    /** @type {AbortController | null} */
    this._waiting = null;
    /** @type {Promise<number>} */
    this._id = worker._id
      .then((syft) =>
        worker.runtime.call("job", {
          syft,
          modelName,
          modelVersion,
          authToken,
        }),
      )
      .then((result) => result.job);
    this._id.then((id) => worker.runtime._watch(this, id)).catch(() => undefined);
  }

  /**
   * Asks the grid for a cycle and, when accepted, downloads all that it needs.
   *
   * Never rejects: the outcome is an event and, beyond syft.js, also the value.
   *
   * @returns {Promise<{status: "accepted", model: SyftModel, clientConfig: Record<string, any>}
   *   | {status: "rejected", timeout?: number, finished: boolean, reason?: string}
   *   | {status: "error", error: SyftError}>}
   */
  start() {
    return this._take("request");
  }

  /** The same as `start`. */
  request() {
    return this.start();
  }

  /**
   * As `start`, but waits as long as the grid says and asks again, until a cycle takes this worker
   * or training of the model has finished. `rejected` and `countdown` tell of the waits.
   */
  join() {
    return this._take("join");
  }

  /**
   * Goes back into a cycle that a reload has left; outcome and events are those of `start`, with
   * the code `cycle.ended` when it is over. The next `train` goes on where it was: give it the
   * same data.
   *
   * @param {import("./kept.js").SavedCycle} saved From `syft.resumable()`.
   */
  resume(saved) {
    return this._take("resume", { saved: saved._id });
  }

  /**
   * Goes back into a cycle of this model that a reload has left, if one is still open; otherwise
   * the same as `start`.
   *
   * @param {(saved: import("./kept.js").SavedCycle) => void} [onResume] Told when there is one.
   */
  async resumeOrStart(onResume) {
    // Where a browser keeps nothing there is nothing to go back to.
    const cancels = this._cancels;
    const left = await this.worker.resumable().catch(() => []);
    const saved = left.find(
      ({ modelName, modelVersion }) =>
        modelName === this.modelName && modelVersion === this.modelVersion,
    );
    if (saved && cancels === this._cancels) {
      onResume?.(saved);
      const reply = await this._take("resume", { saved: saved._id }, "cycle.ended");
      if (reply.status !== "error" || reply.error.code !== "cycle.ended") return reply;
    }
    return this._take("request", {}, "", cancels);
  }

  /** Lets other tabs train the model, in the middle of a cycle; it can still be resumed. */
  async leave() {
    await this.worker.runtime.call("leave", { job: await this._id });
  }

  /** Removes what is kept of this cycle: it can neither be resumed nor handed in later. */
  async discard() {
    await this.worker.runtime.call("discard", { job: await this._id });
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} [args]
   * @param {string} [quiet] Code of an error that is no event.
   * @param {number} [cancels] How often the job had been cancelled when this was wished for.
   * @returns {Promise<{status: "accepted", model: SyftModel, clientConfig: Record<string, any>}
   *   | {status: "rejected", timeout?: number, finished: boolean, reason?: string}
   *   | {status: "error", error: SyftError}>}
   */
  async _take(command, args = {}, quiet = "", cancels = this._cancels) {
    /** @type {any} */
    let reply;
    try {
      await this._passGuards(command, cancels);
      reply = await this._call(command, args, (event) => this._hear(event));
    } catch (thrown) {
      const error = /** @type {SyftError} */ (thrown);
      if (!quiet || error.code !== quiet) this._emit("error", error);
      return { status: "error", error };
    }
    if (reply.outcome === "rejected") {
      const rejection = rejectionOf(reply);
      this._emit("rejected", rejection);
      return { status: "rejected", finished: reply.finished, ...rejection };
    }
    const model = new SyftModel(this.worker.runtime, reply.model, this);
    this.model = model;
    this.clientConfig = reply.clientConfig;
    this.protocols = reply.protocols;
    this.plans = Object.fromEntries(
      reply.plans.map((/** @type {any} */ plan) => [plan.name, new Plan(this, plan)]),
    );
    this._emit("accepted", { model, clientConfig: this.clientConfig });
    return { status: "accepted", model, clientConfig: this.clientConfig };
  }

  /** @param {any} event */
  _hear(event) {
    if (event.event === "rejected") this._emit("rejected", rejectionOf(event));
    else this._emit(event.event, event);
  }

  /**
   * Waits until no guard speaks against training.
   *
   * @param {string} command
   * @param {number} cancels
   */
  async _passGuards(command, cancels) {
    const stop = new AbortController();
    this._waiting = stop;
    const tell = (/** @type {string} */ text) => this._emit("progress", { stage: "guard", text });
    await this.worker.guards?.clear(tell, stop.signal);
    if (stop.signal.aborted || cancels !== this._cancels) {
      throw new SyftError({ code: "cancelled", message: "Cancelled.", where: command });
    }
  }

  /**
   * Trains with a plan of the cycle; starts in the next turn of the event loop.
   *
   * @param {string} planName
   * @param {TrainOptions} options
   */
  train(planName, options) {
    const trainer = new PlanTrainer(this, planName, options);
    setTimeout(() => void trainer.start(Boolean(options.checkpoint)));
    return trainer;
  }

  /**
   * Sends the difference; resolves when the grid has acknowledged it. When the grid stays out of
   * reach it rejects, but the difference is kept and sent later, see `syft.deliver`.
   *
   * @param {ArrayBuffer | Uint8Array} diff From `SyftModel.createSerializedDiff`. Not moved: it
   *   can be sent again when the grid did not answer.
   * @param {{numSamples?: number, metrics?: Record<string, number>}} [facts] Beyond syft.js: on how
   *   many samples the model was trained, and how training went, for a grid that asks for it.
   */
  async report(diff, { numSamples, metrics } = {}) {
    const args = { diff, numSamples, metrics };
    try {
      await this._call("report", args, (event) => this._emit("progress", event));
    } catch (error) {
      // It is kept; the courier goes on trying.
      const code = error instanceof SyftError ? error.code : "";
      if (code.startsWith("grid.")) this.worker._courier.deliver().catch(() => undefined);
      throw error;
    }
  }

  /**
   * Ends the request or report that is under way; its promise settles with code `cancelled`. A
   * report that was ended so is not sent later either.
   */
  async cancel() {
    this._cancels += 1;
    this._waiting?.abort();
    if (this._running !== null) await this.worker.runtime.cancel(this._running);
  }

  /**
   * What computes, and about how much one run of a plan has to: with the time that it takes, the
   * speed.
   *
   * @param {string} plan
   * @param {number} [batchSize] Rows of a batch; by default as many as the plan was recorded with.
   * @returns {Promise<{kernels: string, reason: string, flops: number | null}>}
   */
  async engine(plan, batchSize) {
    return this._call("engine", { plan, batchSize });
  }

  /** Frees the worker's side: model, plans and trainers of this job. */
  async dispose() {
    this.worker.runtime.release([await this._id]);
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} args
   * @param {Handler} [onEvent]
   */
  async _call(command, args, onEvent) {
    const cancels = this._cancels;
    const job = await this._id;
    // Cancelled before the worker had heard of it.
    if (cancels !== this._cancels) {
      throw new SyftError({ code: "cancelled", message: "Cancelled.", where: command });
    }
    const call = this.worker.runtime.call(command, { job, ...args }, { onEvent });
    this._running = call.id;
    try {
      return await call;
    } finally {
      if (this._running === call.id) this._running = null;
    }
  }
}

/**
 * What an event `rejected` tells: when to ask again, and why if the grid says it.
 *
 * @param {{timeout?: number | null, reason?: string | null}} reply
 * @returns {{timeout?: number, reason?: string}}
 */
function rejectionOf({ timeout, reason }) {
  return { ...(timeout && { timeout }), ...(reason && { reason }) };
}
