// @ts-check
/** How this page trains: its plan's inputs and outputs, and whether a hosted model fits them. */

import { DataLoader, PlanInputSpec, PlanOutputSpec, SyftError } from "../syft-web.js";

/** @typedef {import("../syft-web.js").ArrayDataset} ArrayDataset */

export const planName = "training_plan";
export const inputs = [
  new PlanInputSpec(PlanInputSpec.TYPE_DATA, "X", 0),
  new PlanInputSpec(PlanInputSpec.TYPE_DATA, "y", 1),
  new PlanInputSpec(PlanInputSpec.TYPE_BATCH_SIZE),
  new PlanInputSpec(PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM, "lr"),
  ...[0, 1, 2, 3].map((i) => new PlanInputSpec(PlanInputSpec.TYPE_MODEL_PARAM, `param${i}`, i)),
];
export const outputs = [
  new PlanOutputSpec(PlanOutputSpec.TYPE_LOSS),
  new PlanOutputSpec(PlanOutputSpec.TYPE_METRIC, "accuracy"),
  ...[0, 1, 2, 3].map((i) => new PlanOutputSpec(PlanOutputSpec.TYPE_MODEL_PARAM, `param${i}`, i)),
];

/**
 * Any model can be hosted; this page has digits, and knows one kind of plan.
 *
 * @param {import("../syft-web.js").Job} job
 * @param {number} parameters How many the model has.
 */
export function checkFit(job, parameters) {
  const plan = job.plans[planName];
  const wanted = inputs.filter(({ type }) => type === PlanInputSpec.TYPE_MODEL_PARAM).length;
  if (plan?.inputs === inputs.length && plan.outputs === outputs.length && parameters === wanted) return;
  const has = plan
    ? `has ${plan.inputs} inputs and ${plan.outputs} outputs, and the model ${parameters} parameters`
    : `is missing; there is ${Object.keys(job.plans).join(", ") || "none"}`;
  const message =
    `This page trains with a plan "${planName}" of ${inputs.length} inputs and ${outputs.length} ` +
    `outputs, and a model of ${wanted} parameters. Here the plan ${has}.`;
  throw new SyftError({ code: "plan.other", message, where: "plan" });
}

/**
 * @param {ArrayDataset} dataset
 * @param {unknown} size As the model's settings have it.
 */
export function batches(dataset, size) {
  /** @param {string} message */
  const unusable = (message) => new SyftError({ code: "cycle.settings", message, where: "client_config" });
  if (typeof size !== "number" || !Number.isInteger(size) || size < 1) {
    throw unusable(`batch_size should be a whole number of at least 1, and is ${JSON.stringify(size)}.`);
  }
  const loader = new DataLoader({ dataset, batchSize: size, dropLast: true });
  if (!loader.length) {
    throw unusable(`batch_size is ${size}, and this page has only ${dataset.length} images: not one batch.`);
  }
  return loader;
}
