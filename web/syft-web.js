// @ts-check
/**
 * syft_web for a page: the names and shapes of syft.js, with Python doing the work in a worker.
 *
 * ```js
 * import { Syft, PlanInputSpec, PlanOutputSpec, data } from "./syft-web.js";
 *
 * const syft = new Syft({ url: "ws://127.0.0.1:5000", verbose: true });
 * const job = syft.newJob({ modelName: "mnist", modelVersion: "1.0" });
 * job.on("accepted", async ({ model, clientConfig }) => {
 *   const trainer = job.train("training_plan", { inputs, outputs, data: loader });
 *   trainer.on("end", async () => {
 *     await job.report(await model.createSerializedDiffFromModel(trainer.currentModel));
 *   });
 * });
 * job.on("rejected", ({ timeout }) => console.log("try again in", timeout, "seconds"));
 * job.on("error", (error) => console.error(error.code, error.message));
 * job.start();
 * ```
 *
 * Nothing here computes: calls become messages to `syft-worker.js`, tensors are handles to arrays
 * that live there, and bytes cross by transfer. The messages are described in
 * `syft_web/bridge/__init__.py`.
 */

import { Syft } from "./syft-web/syft.js";

/** @typedef {import("./syft-web/emitter.js").Handler} Handler */
/** @typedef {import("./syft-web/tensor.js").TensorInfo} TensorInfo */
/** @typedef {import("./syft-web/model.js").ModelInfo} ModelInfo */
/** @typedef {import("./syft-web/local.js").TfTensor} TfTensor */
/** @typedef {import("./syft-web/local.js").Values} Values */
/** @typedef {import("./syft-web/checkpoint.js").Position} Position */
/** @typedef {import("./syft-web/plan.js").Slot} Slot */
/** @typedef {import("./syft-web/plan.js").PlanInfo} PlanInfo */
/** @typedef {import("./syft-web/trainer.js").TrainOptions} TrainOptions */
/** @typedef {import("./syft-web/data.js").Column} Column */

export { PlanTrainerCheckpoint } from "./syft-web/checkpoint.js";
export { ArrayDataset, DataLoader, data } from "./syft-web/data.js";
export { Dataset } from "./syft-web/dataset.js";
export { SyftError } from "./syft-web/errors.js";
export { Guards, sharedGuards } from "./syft-web/guards.js";
export { Job } from "./syft-web/job.js";
export { SavedCycle } from "./syft-web/kept.js";
export { LocalTensor } from "./syft-web/local.js";
export { SyftModel } from "./syft-web/model.js";
export { Plan } from "./syft-web/plan.js";
export { Runtime, sharedRuntime } from "./syft-web/runtime.js";
export { PlanInputSpec, PlanOutputSpec } from "./syft-web/specs.js";
export { Tensor, tensor } from "./syft-web/tensor.js";
export { PlanTrainer } from "./syft-web/trainer.js";
export { Syft };
export default Syft;
