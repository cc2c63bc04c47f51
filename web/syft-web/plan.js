// @ts-check
import { Tensor, borrowed } from "./tensor.js";

/** @typedef {import("./job.js").Job} Job */
/** @typedef {import("./local.js").Values} Values */
/** @typedef {import("./syft.js").Syft} Syft */
/** @typedef {import("./tensor.js").TensorInfo} TensorInfo */

/**
 * @typedef {object} Slot What a plan says of one of its inputs or outputs.
 * @property {string} kind `data`, `target`, `model_param`, `loss`, ...
 * @property {string} name
 * @property {(number | null)[] | null} shape Null for the size of the batch; null if not said.
 */

/**
 * @typedef {object} PlanInfo
 * @property {string} name
 * @property {number} inputs
 * @property {number} outputs
 * @property {{inputs: Slot[], outputs: Slot[]} | null} signature
 */

/** A plan of an accepted cycle. */
export class Plan {
  /**
   * @param {Job} job
   * @param {PlanInfo} info
   */
  constructor(job, info) {
    this.job = job;
    this.name = info.name;
    this.inputs = info.inputs;
    this.outputs = info.outputs;
    /** What the plan says its inputs and outputs are; null when it says nothing. */
    this.signature = info.signature;
  }

  /**
   * Runs the plan once.
   *
   * @param {Syft} worker As in syft.js; the plan runs in the worker of its job.
   * @param {...(Tensor | Values)} args One for each input, in order; what is no `Tensor` is copied.
   * @returns {Promise<Tensor[]>} One for each output; dispose of those that are not needed.
   */
  async execute(worker, ...args) {
    const { runtime } = worker;
    const lent = await Promise.all(
      args.map((arg) => (typeof arg === "number" ? { number: arg } : borrowed(arg, runtime))),
    );
    try {
      const plain = lent.map((one) => ("handle" in one ? { tensor: one.handle.id } : one.number));
      const reply = await this.job._call("execute", { plan: this.name, args: plain });
      return reply.tensors.map((/** @type {TensorInfo} */ info) => new Tensor(runtime, info));
    } finally {
      for (const one of lent) if ("free" in one) one.free();
    }
  }
}
