// @ts-check
/**
 * Joining cycles, without a word about how it looks.
 *
 * A session goes through the states of `words.js` and tells its observer of each change; the
 * observer draws. `joinOnce` takes part in one cycle; `run` goes on until there is no more to do.
 */

import { Syft, SyftError, sharedRuntime } from "../syft-web.js";
import { batches, planName, specsFor } from "./recipe.js";
import { Supply } from "./supply.js";

/** @typedef {import("./words.js").State} State */

/**
 * @typedef {object} Settings
 * @property {string} grid
 * @property {string} model
 * @property {string} version Empty: the newest.
 * @property {number} shard
 * @property {number} shards
 * @property {boolean} verbose Write the steps to the console.
 */

/**
 * @typedef {object} Outcome
 * @property {"reported" | "rejected" | "error" | "stopped" | "waiting"} status
 * @property {number[]} losses One per update, as are `accuracies`.
 * @property {number[]} accuracies
 * @property {number} updates
 * @property {number | null} meanLoss
 * @property {number | null} lastLoss
 * @property {number | null} lastAccuracy
 * @property {number | null} msPerStep Mean over the updates.
 * @property {number} diffBytes Size of the difference sent, 0 when none was.
 * @property {number} seconds
 * @property {number} [timeout] Rejected: seconds until the grid wants to be asked again.
 * @property {boolean} [finished] Rejected: there will be no more cycles.
 * @property {{code: string, message: string, where: string}} [error]
 */

/**
 * @typedef {object} Change
 * @property {State} state
 * @property {string} [asset] What is being downloaded, e.g. "plan training_plan".
 * @property {number} [received] Bytes.
 * @property {number | null} [total]
 * @property {{updates: number, total: number | null, loss: number, accuracy: number, msPerStep: number}} [batch]
 * @property {number} [seconds] Rejected: seconds left until the next request.
 * @property {boolean} [waiting] Rejected: this page will ask again by itself.
 * @property {string} [text] Held: why.
 * @property {SyftError} [error]
 */

/**
 * @typedef {object} Work What a cycle brought, and what training made of it.
 * @property {Syft} syft Disconnected; closing it frees all the rest.
 * @property {import("../syft-web.js").Job} job
 * @property {Settings} settings
 * @property {number} batchSize
 * @property {Outcome} outcome
 * @property {ArrayBufferView[]} before The parameters as they came.
 * @property {import("../syft-web.js").SyftModel} [trained] Missing where training did not end.
 */

/**
 * @typedef {object} Hooks
 * @property {(share: import("./images.js").Share) => void} [share] The images are here.
 * @property {() => void} [accepted] A cycle begins.
 * @property {(work: Work) => void} [worked] A cycle that was accepted is over; the hook's owner
 *   closes `work.syft` when it needs the work no more.
 */

/** What the stages of the worker are to this page. @type {Record<string, State>} */
const stageStates = {
  connect: "connecting",
  turn: "turn",
  guard: "held",
  authenticate: "authenticating",
  "speed-test": "measuring",
  "cycle-request": "requesting",
  download: "downloading",
  report: "sending",
};

/**
 * Not worth showing while the page only looks whether the next cycle has begun.
 *
 * @type {State[]}
 */
const quietStates = ["connecting", "authenticating", "measuring", "requesting", "downloading"];

/** How often in a row a cycle may end while the page that keeps asking downloads its model. */
const missesAllowed = 3;

/** Seconds between two looks, at most; longer where each look measures the connection anew. */
const longestLook = 10;
const measuredLook = 30;

/** Seconds that Python has to stop when asked; a worker that does not answer is ended. */
const stopSeconds = 5;

export class Session {
  /**
   * @param {(change: Change) => void} onChange
   * @param {Hooks} [hooks]
   */
  constructor(onChange, hooks = {}) {
    this.onChange = onChange;
    this.hooks = hooks;
    /** @type {State} */
    this.state = "idle";
    this.abort = new AbortController();
    this.busy = false;
    this.supply = new Supply((change) => this.change(change), (share) => this.hooks.share?.(share));
    /** @type {(() => void) | null} */
    this.wake = null;
    /** Of the cycle under way. @type {Work | null} */
    this.work = null;
    /**
     * The last report: which model of which grid, and the parameters it was about.
     *
     * @type {{target: string, parameters: ArrayBufferView[]}}
     */
    this.reported = { target: "", parameters: [] };
    /** Whether the grid has this page measure its connection. */
    this.measured = false;
    /** Rather look again later than do the same work twice, or give up over a cycle that ended. */
    this.patient = false;
    this.misses = 0;
  }

  /**
   * Joins cycle after cycle while `keep()` says so; waits when told to.
   *
   * @param {Settings} settings
   * @param {() => boolean} keep
   * @param {(outcome: Outcome) => void} onOutcome
   */
  async run(settings, keep, onOutcome) {
    this.misses = 0;
    for (let looks = 1; ; ) {
      const outcome = await this.joinOnce(settings, keep());
      if (outcome.status === "waiting") {
        const look = this.measured ? measuredLook : Math.min(looks++, longestLook);
        await this.pause(look, false, keep);
        if (this.abort.signal.aborted) return this.change({ state: "stopped" });
        if (!keep()) return this.change({ state: "done" });
        continue;
      }
      looks = 1;
      onOutcome(outcome);
      if (outcome.status === "error" || outcome.status === "stopped" || outcome.finished) return;
      if (outcome.status === "reported" && !keep()) return this.change({ state: "done" });
      if (!keep()) return;
      // After a report the next cycle may need a moment to open.
      const rejected = outcome.status === "rejected";
      const left = await this.pause(rejected ? (outcome.timeout ?? 1) : 0.5, rejected, keep);
      if (this.abort.signal.aborted) return this.change({ state: "stopped" });
      if (!keep()) return this.change(rejected ? { state: "rejected", seconds: left } : { state: "done" });
    }
  }

  /**
   * Takes part in one cycle. Never rejects; one at a time.
   *
   * @param {Settings} settings
   * @param {boolean} [patient] May end as "waiting": the grid has no new model yet.
   * @returns {Promise<Outcome>}
   */
  async joinOnce(settings, patient = false) {
    if (this.busy) throw new Error("A cycle is under way; wait for it or stop it first.");
    this.busy = true;
    this.patient = patient;
    this.measured = false;
    if (this.abort.signal.aborted) this.abort = new AbortController();
    const began = performance.now();
    /** @type {Outcome} */
    const outcome = {
      status: "stopped",
      losses: [],
      accuracies: [],
      updates: 0,
      meanLoss: null,
      lastLoss: null,
      lastAccuracy: null,
      msPerStep: null,
      diffBytes: 0,
      seconds: 0,
    };
    try {
      await this.cycle(settings, outcome);
    } catch (thrown) {
      this.fail(thrown, outcome);
    } finally {
      this.busy = false;
      outcome.seconds = (performance.now() - began) / 1000;
    }
    return outcome;
  }

  /** Stops whatever is under way; what was not yet sent is not sent. */
  stop() {
    this.abort.abort();
    this.wake?.();
    // Python's start cannot be interrupted from within, so the worker is ended.
    if (this.state === "loading") sharedRuntime().terminate();
    const { abort } = this;
    setTimeout(() => {
      if (this.busy && this.abort === abort) sharedRuntime().terminate();
    }, stopSeconds * 1000);
  }

  /** Ends the wait after a rejection. */
  askAgain() {
    this.wake?.();
  }

  /**
   * @param {Settings} settings
   * @param {Outcome} outcome
   */
  async cycle(settings, outcome) {
    const dataset = await this.supply.prepare(settings, this.abort.signal);
    this.change({ state: "connecting" });
    const syft = new Syft({ url: settings.grid, verbose: settings.verbose });
    this.work = null;
    try {
      const job = syft.newJob({ modelName: settings.model, modelVersion: settings.version || undefined });
      job.on("progress", (event) => this.progress(event));
      // A worker that has broken off has nothing left to cancel.
      const stop = () => void job.cancel().catch(() => undefined);
      this.abort.signal.addEventListener("abort", stop);
      try {
        await this.takePart(job, dataset, outcome, settings);
      } finally {
        this.abort.signal.removeEventListener("abort", stop);
      }
    } finally {
      this.leave(syft);
    }
  }

  /**
   * @param {import("../syft-web.js").Job} job
   * @param {import("../syft-web.js").ArrayDataset} dataset
   * @param {Outcome} outcome
   * @param {Settings} settings
   */
  async takePart(job, dataset, outcome, settings) {
    const target = targetOf(settings);
    const reply = await job.resumeOrStart(() => this.change({ state: "resuming" }));
    this.abort.signal.throwIfAborted();
    if (reply.status === "error") throw reply.error;
    if (reply.status === "rejected") {
      outcome.status = "rejected";
      outcome.finished = reply.finished;
      outcome.timeout = reply.timeout;
      this.change({ state: reply.finished ? "finished" : "rejected", seconds: reply.timeout });
      return;
    }
    const parameters = await Promise.all(reply.model.params.map((tensor) => tensor.data()));
    this.abort.signal.throwIfAborted();
    const known = this.reported.target === target && same(parameters, this.reported.parameters);
    if (this.patient && known) return this.look(outcome);
    this.misses = 0;
    const specs = specsFor(job, parameters.length);
    const loader = batches(dataset, reply.clientConfig.batch_size ?? 64);
    this.change({ state: "accepted" });
    this.hooks.accepted?.();
    const batchSize = loader.batchSize;
    /** @type {Work} */
    const work = { syft: job.worker, job, settings, batchSize, outcome, before: parameters };
    this.work = work;
    const trained = await this.train(job, { ...specs, data: loader }, outcome).catch(async (error) => {
      // Neither a stop nor a fault is to be gone on with at the next visit.
      await job.discard().catch(() => undefined);
      throw error;
    });
    work.trained = trained;
    this.change({ state: "sending" });
    const diff = await reply.model.createSerializedDiffFromModel(trained);
    this.abort.signal.throwIfAborted();
    this.change({ state: "sending", received: diff.byteLength, total: null });
    await job.report(diff);
    outcome.diffBytes = diff.byteLength;
    outcome.status = "reported";
    this.reported = { target, parameters };
    this.change({ state: "reported" });
  }

  /**
   * The connection is closed; the work stays with those who want to look at it.
   *
   * @param {Syft} syft
   */
  leave(syft) {
    const { work } = this;
    this.work = null;
    // A worker that has broken off has nothing left to close.
    if (!work || !this.hooks.worked) return void syft.close().catch(() => undefined);
    void syft.disconnect().catch(() => undefined);
    this.hooks.worked(work);
  }

  /** @param {Outcome} outcome */
  look(outcome) {
    outcome.status = "waiting";
    this.change({ state: "waiting" });
  }

  /**
   * @param {import("../syft-web.js").Job} job
   * @param {import("../syft-web.js").TrainOptions} options
   * @param {Outcome} outcome
   */
  async train(job, options, outcome) {
    this.change({ state: "training" });
    let [ms, sum] = [0, 0];
    const trainer = job.train(planName, options);
    trainer.on("batchEnd", ({ updates, total, msPerStep, ...values }) => {
      // A plan may give several numbers, which are then no loss that can be drawn.
      const [loss, accuracy] = [Number(values.loss), Number(values.metrics.accuracy)];
      outcome.losses.push(loss);
      outcome.accuracies.push(accuracy);
      outcome.updates = updates;
      outcome.meanLoss = (sum += loss) / outcome.losses.length;
      outcome.lastLoss = loss;
      outcome.lastAccuracy = accuracy;
      outcome.msPerStep = (ms += msPerStep) / outcome.losses.length;
      this.change({
        state: "training",
        batch: { updates, total, loss, accuracy, msPerStep: outcome.msPerStep },
      });
    });
    trainer.on("pause", ({ why }) => this.change({ state: "held", text: why }));
    trainer.on("continue", () => this.change({ state: "training" }));
    const stop = () => void trainer.stop().catch(() => undefined);
    this.abort.signal.addEventListener("abort", stop);
    try {
      await new Promise((resolve, reject) => {
        trainer.on("end", resolve).on("stop", resolve).on("error", reject);
      });
    } finally {
      this.abort.signal.removeEventListener("abort", stop);
    }
    this.abort.signal.throwIfAborted();
    return trainer.currentModel;
  }

  /** @param {any} event */
  progress({ stage, asset, received, total, text }) {
    const state = stageStates[stage];
    if (state === "measuring") this.measured = true;
    if (state && !this.abort.signal.aborted) this.change({ state, asset, received, total, text });
  }

  /**
   * Waits until the time is up, or someone does not want to wait any longer.
   *
   * @param {number} seconds
   * @param {boolean} visible Count down for the person.
   * @param {() => boolean} keep
   * @returns {Promise<number>} Seconds that were left.
   */
  async pause(seconds, visible, keep) {
    const until = performance.now() + seconds * 1000;
    const left = () => Math.max(0, (until - performance.now()) / 1000);
    let woken = false;
    while (!woken && keep() && !this.abort.signal.aborted && left() > 0) {
      if (visible) this.change({ state: "rejected", seconds: left(), waiting: true });
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(left(), 1) * 1000);
        this.wake = () => {
          woken = true;
          clearTimeout(timer);
          resolve(undefined);
        };
      });
      this.wake = null;
    }
    return left();
  }

  /**
   * @param {unknown} thrown
   * @param {Outcome} outcome
   */
  fail(thrown, outcome) {
    if (this.abort.signal.aborted) {
      outcome.status = "stopped";
      this.change({ state: "stopped" });
      return;
    }
    const error =
      thrown instanceof SyftError
        ? thrown
        : new SyftError({ code: "page", message: String(thrown), where: this.state });
    if (this.patient && error.code === "cycle.download" && ++this.misses <= missesAllowed) {
      return this.look(outcome);
    }
    outcome.status = "error";
    outcome.error = { code: error.code, message: error.message, where: error.where };
    this.change({ state: "error", error });
  }

  /** @param {Change} change */
  change(change) {
    if (this.state === "waiting" && quietStates.includes(change.state)) return;
    this.state = change.state;
    this.onChange(change);
  }
}

/**
 * Which model of which grid the settings are about.
 *
 * @param {{grid: string, model: string, version: string}} settings
 */
export function targetOf({ grid, model, version }) {
  return JSON.stringify([grid, model, version]);
}

/**
 * @param {ArrayBufferView[]} a
 * @param {ArrayBufferView[]} b
 */
function same(a, b) {
  if (a.length !== b.length) return false;
  return a.every((one, i) => {
    const other = b[i];
    if (one.byteLength !== other.byteLength) return false;
    const [left, right] = [one, other].map((v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
    return left.every((byte, at) => byte === right[at]);
  });
}
