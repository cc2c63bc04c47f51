// @ts-check
import { PlanTrainerCheckpoint } from "./checkpoint.js";
import { message } from "./collate.js";
import { ArrayDataset, DataLoader } from "./data.js";
import { Dataset } from "./dataset.js";
import { Emitter } from "./emitter.js";
import { SyftModel } from "./model.js";
import { withoutNulls } from "./specs.js";
import { Tensor, borrowed } from "./tensor.js";

/** @typedef {import("./data.js").Sized} Sized */
/** @typedef {import("./emitter.js").Handler} Handler */
/** @typedef {import("./job.js").Job} Job */
/** @typedef {import("./local.js").Values} Values */
/** @typedef {import("./specs.js").PlanInputSpec} PlanInputSpec */
/** @typedef {import("./specs.js").PlanOutputSpec} PlanOutputSpec */

/**
 * @typedef {object} TrainOptions
 * @property {PlanInputSpec[]} [inputs] Leave both out for a plan that says itself what they are.
 * @property {PlanOutputSpec[]} [outputs]
 * @property {DataLoader | ArrayDataset | Sized | Tensor | Values} data
 * @property {Tensor | Values} [target] With `data` a tensor: the targets, of the same length.
 * @property {number} [epochs] Default: `max_epochs` of the client config, else 1.
 * @property {number} [batchSize] Default: `batch_size` of the client config; a loader's own wins.
 * @property {number} [stepsPerEpoch] Default: `max_updates` of the client config.
 * @property {PlanTrainerCheckpoint | null} [checkpoint] Where to go on; its numbers replace those here.
 * @property {number} [noiseSeed] What the plan's random numbers (dropout) depend on; default: drawn.
 * @property {Record<string, Handler>} [events] Handlers by event name.
 */

/**
 * The training loop.
 *
 * Events, as in syft.js: `start`, `end`, `stop`, `epochStart` and `epochEnd` with `{epoch}`,
 * `batchStart` with `{epoch, batch}`, `batchEnd` with `{epoch, batch, loss, metrics}`; here
 * `batchEnd` also has `updates` (batches done), `total` (batches to do, null when unknown) and
 * `msPerStep`. More than there: `error` with a `SyftError`; `pause` with `{why}` when it waits
 * before its next batch, for one of the person's guards or because of `pause`; and `continue`.
 */
export class PlanTrainer extends Emitter {
  static EVENT_TRAINING_START = "start";
  static EVENT_TRAINING_END = "end";
  static EVENT_TRAINING_STOP = "stop";
  static EVENT_EPOCH_START = "epochStart";
  static EVENT_EPOCH_END = "epochEnd";
  static EVENT_BATCH_START = "batchStart";
  static EVENT_BATCH_END = "batchEnd";

  /**
   * @param {Job} job
   * @param {string} planName
   * @param {TrainOptions} options
   */
  constructor(job, planName, options) {
    super();
    this.job = job;
    this.planName = planName;
    this.options = options;
    this.epoch = 0;
    this.batchIdx = 0;
    this.stopped = false;
    this.originalModel = job.model;
    /** What training made of the model; set at `end`, `stop` and `epochEnd`. */
    this.currentModel = /** @type {SyftModel} */ (job.model);
    for (const [event, handler] of Object.entries(options.events ?? {})) this.on(event, handler);
    /** @type {Promise<number> | null} */
    this._id = null;
    /** @type {DataLoader | null} */
    this._loader = null;
    this._stopWanted = false;
    this._begun = false;
    /** Why `pause` was called; empty when it was not. */
    this._pauseWish = "";
    this._pauseTold = "";
    this._guard = () => void this._applyPause();
  }

  /**
   * Trains to the end, or until `stop`. The outcome is an event; this never rejects.
   *
   * @param {boolean} [resume] Go on from where `stop` left it.
   * @returns {Promise<void>}
   */
  async start(resume = false) {
    const runtime = this.job.worker.runtime;
    try {
      const trainer = await this._made();
      this.stopped = false;
      const { guards } = this.job.worker;
      guards?.on("change", this._guard);
      await this._applyPause();
      if (this._stopWanted) {
        this.stopped = true;
        return this._emit("stop", {});
      }
      this._begun = true;
      const onEvent = (/** @type {any} */ event) => this._progress(event);
      const reply = await runtime.call("train", { trainer, resume }, { onEvent });
      this.currentModel = new SyftModel(runtime, reply.model, this.job);
      this.stopped = reply.status === "stop";
      this._emit(reply.status, {});
    } catch (error) {
      this._emit("error", error);
    } finally {
      this.job.worker.guards?.off("change", this._guard);
    }
  }

  /**
   * Has it wait before its next batch, until `unpause`.
   *
   * @param {string} why In words for a person.
   */
  async pause(why) {
    this._pauseWish = why || "Paused.";
    await this._applyPause();
  }

  /** Lets it go on after `pause`, as soon as no guard speaks against it. */
  async unpause() {
    this._pauseWish = "";
    await this._applyPause();
  }

  async _applyPause() {
    if (!this._id) return;
    const why = this._pauseWish || this.job.worker.guards?.text || "";
    if (why === this._pauseTold) return;
    this._pauseTold = why;
    const { runtime } = this.job.worker;
    const trainer = await this._id;
    if (why) await runtime.call("pause", { trainer, why });
    else await runtime.call("unpause", { trainer });
  }

  /**
   * Asks the loop to stop before its next batch; resolves when it has.
   *
   * @returns {Promise<PlanTrainerCheckpoint>} Where it stopped.
   */
  async stop() {
    if (this._begun) return this._checkpoint("stop").ready;
    // Nothing to stop but the beginning.
    this._stopWanted = true;
    return this.createCheckpoint().ready;
  }

  /**
   * Where training stands now.
   *
   * @returns {PlanTrainerCheckpoint} At once, as in syft.js, with what the page knows; await its
   *   `ready` for the worker's own numbers and the model. Its JSON is always exact.
   */
  createCheckpoint() {
    return this._checkpoint("checkpoint");
  }

  /**
   * Stands where a checkpoint stood; `resume` goes on from there.
   *
   * @param {PlanTrainerCheckpoint} checkpoint
   */
  async applyCheckpoint(checkpoint) {
    const { runtime } = this.job.worker;
    const args = { trainer: await this._made(), checkpoint: await checkpoint._in(runtime) };
    const { epoch, batch } = await runtime.call("checkpoint-apply", args);
    this.epoch = epoch;
    this.batchIdx = batch;
    this.stopped = true;
    if (checkpoint.currentModel) this.currentModel = checkpoint.currentModel;
  }

  /** Goes on after `stop`. */
  async resume() {
    this._stopWanted = false;
    if (this.stopped) await this.start(true);
  }

  /** @returns {Promise<number>} */
  _made() {
    return (this._id ??= this._create());
  }

  /** @returns {Promise<number>} */
  async _create() {
    const { inputs, outputs, target, epochs, batchSize, stepsPerEpoch, noiseSeed, checkpoint } =
      this.options;
    const { runtime } = this.job.worker;
    const lent = target === undefined || target === null ? null : await borrowed(target, runtime);
    const source = await this._source();
    try {
      const reply = await this.job._call("trainer", {
        plan: this.planName,
        inputs: inputs?.map(withoutNulls),
        outputs: outputs?.map(withoutNulls),
        data: source.data,
        target: lent?.handle.id,
        epochs,
        batchSize,
        stepsPerEpoch,
        noiseSeed,
        checkpoint: checkpoint ? await checkpoint._in(runtime) : undefined,
      });
      if (checkpoint) {
        this.epoch = checkpoint.epoch;
        this.batchIdx = checkpoint.batch;
      }
      runtime._watch(this, reply.trainer);
      return reply.trainer;
    } finally {
      // The worker's trainer keeps the arrays themselves.
      source.free();
      lent?.free();
    }
  }

  /**
   * What the worker is told of the data.
   *
   * @returns {Promise<{data: Record<string, unknown>, free: () => void}>}
   */
  async _source() {
    const free = () => undefined;
    const given = this.options.data;
    if (given instanceof DataLoader || given instanceof ArrayDataset || given instanceof Dataset) {
      const loader = given instanceof DataLoader ? given : null;
      const dataset = loader ? loader.dataset : /** @type {ArrayDataset | Sized} */ (given);
      const how = {
        batchSize: loader?.batchSize,
        shuffle: loader?.shuffle ?? true,
        dropLast: loader?.dropLast ?? false,
        seed: loader?.seed,
      };
      if (dataset instanceof ArrayDataset) return { data: { dataset: await dataset._id, ...how }, free };
      this._loader = loader ?? new DataLoader({ dataset });
      return { data: { page: dataset.length, ...how }, free };
    }
    const lent = await borrowed(/** @type {Tensor | Values} */ (given), this.job.worker.runtime);
    return { data: { tensor: lent.handle.id }, free: lent.free };
  }

  /** @param {"stop" | "checkpoint"} command */
  _checkpoint(command) {
    const { runtime } = this.job.worker;
    const { epochs = 1, stepsPerEpoch, batchSize } = this.options;
    const { clientConfig } = this.job;
    const kept = this._made().then((trainer) => runtime.call(command, { trainer, checkpoint: true }));
    return PlanTrainerCheckpoint._of(runtime, kept, {
      epochs,
      stepsPerEpoch,
      batchSize,
      clientConfig,
      epoch: this.epoch,
      batch: this.batchIdx,
    });
  }

  /** @param {any} event */
  _progress(event) {
    if (event.event === "take") return void this._give(event);
    if ("epoch" in event) this.epoch = event.epoch;
    if ("batch" in event) this.batchIdx = event.batch;
    this._emit(event.event, event);
  }

  /**
   * Makes a batch for the worker.
   *
   * @param {{take: number, indices: number[]}} wanted
   */
  async _give({ take, indices }) {
    const { runtime } = this.job.worker;
    try {
      const { batch, transfer } = message(await /** @type {DataLoader} */ (this._loader).fetch(indices));
      await runtime.call("give", { take, batch }, { transfer });
    } catch (error) {
      const told = `The page's dataset failed: ${error instanceof Error ? error.message : error}`;
      await runtime.call("give", { take, error: told }).catch(() => undefined);
    }
  }
}
