// @ts-check
/** Counts answers, and reports how the counters changed; without a word about how it looks. */

import { Syft, SyftError, Tensor, sharedRuntime } from "../syft-web.js";

/** @typedef {"idle" | "loading" | "connecting" | "ready" | "sending" | "rejected" | "finished" | "error"} State */
/** @typedef {import("../syft-web.js").Job} Job */

/**
 * @typedef {object} Change
 * @property {State} state
 * @property {number} [received] Bytes of Python so far.
 * @property {number} [total]
 * @property {number} [seconds] Rejected: until the grid is asked again.
 * @property {SyftError} [error]
 * @property {{alphas: number[], betas: number[]} | null} model
 * @property {number} waiting Answers that are not reported yet.
 * @property {number} visits Answers in a report.
 * @property {Report[]} reports
 */

/** @typedef {{visits: number, likes: number, bytes: number}} Report */

const planName = "bandit_thompson";
const versions = 3;
/** Seconds between two looks for the averaged model. */
const looks = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3];

export class Learner {
  /** @param {(change: Change) => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {State} */
    this.state = "idle";
    /** @type {{alphas: number[], betas: number[]} | null} */
    this.model = null;
    /** @type {Report[]} */
    this.reports = [];
    this.visits = 20;
    /** Whether simulated visitors are coming. */
    this.crowded = false;
    /** @type {Syft | null} */
    this.syft = null;
    /** @type {Job | null} */
    this.job = null;
    this.wanted = { model: "", version: "" };
    /** Answers of this page since its last report: likes and times shown, of each version. */
    this.likes = new Float32Array(versions);
    this.shown = new Float32Array(versions);
  }

  forget() {
    this.likes = new Float32Array(versions);
    this.shown = new Float32Array(versions);
  }

  get waiting() {
    return this.shown.reduce((sum, n) => sum + n, 0);
  }

  /**
   * Loads Python and takes part in the cycle at hand.
   *
   * @param {{grid: string, model: string, version: string}} settings
   * @returns {Promise<boolean>} Whether answers can be counted now.
   */
  async join({ grid, model, version }) {
    if (["loading", "connecting", "sending", "rejected"].includes(this.state)) return false;
    const runtime = sharedRuntime();
    this.change({ state: "loading" });
    /** @param {{received: number, total: number}} boot */
    const onBoot = ({ received, total }) => this.change({ state: "loading", received, total });
    runtime.on("boot", onBoot);
    try {
      await runtime.ready.finally(() => runtime.off("boot", onBoot));
      void this.syft?.close().catch(() => undefined);
      this.syft = new Syft({ url: grid });
      this.wanted = { model, version };
      this.model = null;
      this.forget();
      return await this.next();
    } catch (error) {
      return this.fail(error);
    }
  }

  /**
   * Notes what one visitor said.
   *
   * @param {number} version
   * @param {boolean} like
   */
  count(version, like) {
    this.shown[version] += 1;
    this.likes[version] += Number(like);
    this.change({ state: this.state });
  }

  /** Lets the plan add the answers up, sends the difference, and takes part in the next cycle. */
  async report() {
    const { job, syft } = this;
    if (!job?.model || !syft || !this.waiting) return;
    this.change({ state: "sending" });
    try {
      const [visits, likes] = [this.waiting, this.likes.reduce((sum, n) => sum + n, 0)];
      const runtime = syft.runtime;
      const counted = [await Tensor.from(runtime, this.likes.slice()), await Tensor.from(runtime, this.shown.slice())];
      const updated = await job.plans[planName].execute(syft, ...counted, ...job.model.params);
      const diff = await job.model.createSerializedDiff(updated);
      await job.report(diff);
      for (const tensor of [...counted, ...updated]) tensor.dispose();
      this.reports.push({ visits, likes, bytes: diff.byteLength });
      this.forget();
      await this.next();
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * Takes part in the next cycle: the one whose model is not the one that was just reported about.
   *
   * @returns {Promise<boolean>}
   */
  async next() {
    const before = JSON.stringify(this.model);
    if (!this.reports.length) this.change({ state: "connecting" });
    for (let look = 0; ; look += 1) {
      const job = /** @type {Syft} */ (this.syft).newJob({
        modelName: this.wanted.model,
        modelVersion: this.wanted.version,
      });
      const reply = await job.request();
      if (reply.status === "error") throw reply.error;
      if (reply.status === "rejected") {
        void job.dispose();
        if (reply.finished) return this.change({ state: "finished" });
        await this.pause(reply.timeout ?? 1);
        continue;
      }
      const found = await read(job);
      const again = JSON.stringify(found) === before;
      // After the last look it goes on: somebody else's likes may have made up for ours.
      if (again && look < looks.length) {
        void job.dispose();
        await wait(looks[look]);
        continue;
      }
      void this.job?.dispose();
      this.job = job;
      this.model = found;
      const { visits } = reply.clientConfig;
      if (Number.isInteger(visits) && visits > 0) this.visits = visits;
      return this.change({ state: "ready" });
    }
  }

  /** @param {number} seconds */
  async pause(seconds) {
    for (let left = Math.ceil(seconds); left > 0; left -= 1) {
      this.change({ state: "rejected", seconds: left });
      await wait(1);
    }
  }

  /** @param {unknown} thrown */
  fail(thrown) {
    const error =
      thrown instanceof SyftError ? thrown : new SyftError({ code: "page", message: String(thrown), where: this.state });
    this.change({ state: "error", error });
    return false;
  }

  /**
   * @param {Pick<Change, "state"> & Partial<Change>} change
   * @returns {boolean} Whether answers can be counted now.
   */
  change(change) {
    this.state = change.state;
    const { model, waiting, visits, reports } = this;
    this.onChange({ model, waiting, visits, reports, ...change });
    return this.state === "ready";
  }
}

/**
 * The model of a job, which must be one of three versions and have the plan.
 *
 * @param {Job} job
 */
async function read(job) {
  const params = job.model?.params ?? [];
  const fits = params.length === 2 && params.every(({ shape }) => shape.length === 1 && shape[0] === versions);
  if (!fits || !job.plans[planName]) {
    throw new SyftError({
      code: "plan.other",
      message: `This page wants a plan "${planName}" and a model of two times three numbers.`,
      where: "plan",
    });
  }
  const [alphas, betas] = await Promise.all(params.map((tensor) => tensor.data()));
  return { alphas: Array.from(alphas, Number), betas: Array.from(betas, Number) };
}

/** @param {number} seconds */
function wait(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
