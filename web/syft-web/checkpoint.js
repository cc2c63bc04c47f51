// @ts-check
import { SyftModel } from "./model.js";
import { sharedRuntime } from "./runtime.js";

/** @typedef {import("./model.js").ModelInfo} ModelInfo */
/** @typedef {import("./runtime.js").Runtime} Runtime */

/**
 * Where a training stands.
 *
 * @typedef {object} Position
 * @property {number} epochs Epochs in all.
 * @property {number | null} [stepsPerEpoch] Most batches in an epoch.
 * @property {number | null} [batchSize]
 * @property {Record<string, any>} [clientConfig]
 * @property {number} epoch The epoch to go on with, from 0.
 * @property {number} batch The first batch of it that is still to do.
 */

/** What the worker tells of a checkpoint that it keeps. @typedef {{checkpoint: number, model: ModelInfo, position: Position}} Kept */

/**
 * Where a training stands, to go on from there later: at once, or from its JSON after a reload.
 *
 * `job.train` takes it as `checkpoint`. Plan, data and specs are not part of it.
 */
export class PlanTrainerCheckpoint {
  /** @param {Position & {currentModel?: SyftModel | null}} position */
  constructor({ currentModel = null, ...position }) {
    this.epochs = position.epochs;
    this.stepsPerEpoch = position.stepsPerEpoch ?? null;
    this.batchSize = position.batchSize ?? null;
    this.clientConfig = position.clientConfig ?? {};
    this.epoch = position.epoch;
    this.batch = position.batch;
    /** The model as it stands; null until `ready`. @type {SyftModel | null} */
    this.currentModel = currentModel;
    /**
     * Resolves with this object when numbers and model are those of the worker.
     *
     * @type {Promise<PlanTrainerCheckpoint>}
     */
    this.ready = Promise.resolve(this);
    /** @type {Record<string, any> | null} */
    this._json = null;
    /** @type {Promise<number> | null} */
    this._kept = null;
  }

  /**
   * Reads what `toJSON` gave, here or in syft.js.
   *
   * @param {{runtime: Runtime} | null} worker A `Syft`. With null the model is not loaded before
   *   the checkpoint is used.
   * @param {Record<string, any>} json
   */
  static fromJSON(worker, json) {
    const checkpoint = new PlanTrainerCheckpoint(/** @type {any} */ ({ ...json, currentModel: null }));
    checkpoint._json = json;
    if (worker) checkpoint.ready = checkpoint._in(worker.runtime).then(() => checkpoint);
    checkpoint.ready.catch(() => undefined);
    return checkpoint;
  }

  /** Plain values for `JSON.stringify`, the model in base64: the same as in syft.js. */
  async toJSON() {
    if (this._json) return this._json;
    const runtime = this.currentModel?.runtime ?? sharedRuntime();
    const checkpoint = await this._in(runtime);
    this._json = /** @type {Record<string, any>} */ ((await runtime.call("checkpoint-json", { checkpoint })).json);
    return this._json;
  }

  /**
   * A checkpoint that the worker keeps.
   *
   * @param {Runtime} runtime
   * @param {Promise<Kept>} kept
   * @param {Position} position What the page knows until then.
   */
  static _of(runtime, kept, position) {
    const checkpoint = new PlanTrainerCheckpoint(position);
    checkpoint._follow(runtime, kept);
    return checkpoint;
  }

  /**
   * Its number in the worker, brought there when need be.
   *
   * @param {Runtime} runtime
   */
  _in(runtime) {
    if (!this._kept) {
      const json = this._json ?? withoutModel(this);
      this._follow(runtime, runtime.call("checkpoint-load", { json, model: this.currentModel?.id }));
    }
    return /** @type {Promise<number>} */ (this._kept);
  }

  /**
   * @param {Runtime} runtime
   * @param {Promise<Kept>} kept
   */
  _follow(runtime, kept) {
    this._kept = kept.then(({ checkpoint, model, position }) => {
      Object.assign(this, pick(position));
      this.currentModel = new SyftModel(runtime, model, this);
      runtime._watch(this, checkpoint);
      return checkpoint;
    });
    this.ready = this._kept.then(() => this);
    this.ready.catch(() => undefined);
  }
}

/** @param {Position} position @returns {Position} */
function pick({ epochs, stepsPerEpoch = null, batchSize = null, clientConfig = {}, epoch, batch }) {
  return { epochs, stepsPerEpoch, batchSize, clientConfig, epoch, batch };
}

/** @param {PlanTrainerCheckpoint} checkpoint */
function withoutModel(checkpoint) {
  // Python's reader wants the key; the model itself goes by its number.
  return { ...pick(checkpoint), currentModelBase64: "" };
}
