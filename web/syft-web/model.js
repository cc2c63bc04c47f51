// @ts-check
import { Tensor, borrowed } from "./tensor.js";

/** @typedef {import("./local.js").Values} Values */
/** @typedef {import("./runtime.js").Runtime} Runtime */
/** @typedef {import("./tensor.js").TensorInfo} TensorInfo */

/** @typedef {{id: number, params: TensorInfo[]}} ModelInfo */

/** The model of a cycle, or what training made of it. */
export class SyftModel {
  /**
   * @param {Runtime} runtime
   * @param {ModelInfo} info
   * @param {object} owner What it lives and dies with in the worker.
   */
  constructor(runtime, info, owner) {
    this.runtime = runtime;
    this._owner = owner;
    this.id = info.id;
    /** In the order of the hosted State. */
    this.params = info.params.map((param) => new Tensor(runtime, param, this));
    runtime._watch(this, info.id);
  }

  /**
   * The difference to `updatedModelParams`, ready for `job.report`.
   *
   * @param {(Tensor | Values)[]} updatedModelParams In the order of `params`.
   * @returns {Promise<ArrayBuffer>}
   */
  async createSerializedDiff(updatedModelParams) {
    const lent = await Promise.all(updatedModelParams.map((param) => borrowed(param, this.runtime)));
    try {
      const params = lent.map(({ handle }) => handle.id);
      return (await this.runtime.call("diff", { model: this.id, params })).diff.buffer;
    } finally {
      for (const { free } of lent) free();
    }
  }

  /**
   * The parameters as a serialized State, as the grid has it.
   *
   * @returns {Promise<ArrayBuffer>}
   */
  async toProtobuf() {
    return (await this.runtime.call("model-bytes", { model: this.id })).data.buffer;
  }

  /**
   * The difference to another model, usually `trainer.currentModel`.
   *
   * @param {SyftModel} updatedModel
   * @returns {Promise<ArrayBuffer>}
   */
  async createSerializedDiffFromModel(updatedModel) {
    const args = { model: this.id, updated: updatedModel.id };
    return (await this.runtime.call("diff", args)).diff.buffer;
  }
}
