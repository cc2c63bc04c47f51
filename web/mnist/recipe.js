// @ts-check
/** How this page trains: its plan's inputs and outputs, and whether a hosted model fits them. */

import { DataLoader, PlanInputSpec, PlanOutputSpec, SyftError } from "../syft-web.js";

/** @typedef {import("../syft-web.js").ArrayDataset} ArrayDataset */
/** @typedef {import("../syft-web.js").Slot} Slot */

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
 * Any model can be hosted; this page has digits. It can train with a plan that says that it takes
 * images and labels as they are here, and with the plan of the original MNIST example.
 *
 * @param {import("../syft-web.js").Job} job
 * @param {number} parameters How many the model has.
 * @returns {{inputs?: PlanInputSpec[], outputs?: PlanOutputSpec[]}} What training needs to be told.
 */
export function specsFor(job, parameters) {
  const plan = job.plans[planName];
  if (plan?.signature) {
    if (takes(plan.signature, "data", 784) && takes(plan.signature, "target", 10)) return {};
    throw other(`This page has images of 784 pixels and one-hot labels of 10 classes. The plan takes ${wishes(plan)}.`);
  }
  const wanted = inputs.filter(({ type }) => type === PlanInputSpec.TYPE_MODEL_PARAM).length;
  const fits = plan?.inputs === inputs.length && plan.outputs === outputs.length && parameters === wanted;
  if (fits) return { inputs, outputs };
  const has = plan
    ? `has ${plan.inputs} inputs and ${plan.outputs} outputs, and the model ${parameters} parameters`
    : `is missing; there is ${Object.keys(job.plans).join(", ") || "none"}`;
  throw other(
    `This page trains with a plan "${planName}" of ${inputs.length} inputs and ${outputs.length} ` +
      `outputs, and a model of ${wanted} parameters. Here the plan ${has}.`,
  );
}

/** @param {string} message */
const other = (message) => new SyftError({ code: "plan.other", message, where: "plan" });

/**
 * Whether a plan takes one array of this kind, of rows of so many numbers.
 *
 * @param {{inputs: Slot[]}} signature
 * @param {string} kind
 * @param {number} width
 */
function takes(signature, kind, width) {
  const slots = signature.inputs.filter((slot) => slot.kind === kind);
  const shape = slots[0]?.shape;
  return slots.length === 1 && (!shape || (shape.length === 2 && shape[1] === width));
}

/** @param {import("../syft-web.js").Plan} plan */
function wishes(plan) {
  const slots = plan.signature?.inputs.filter(({ kind }) => kind === "data" || kind === "target") ?? [];
  return slots.map(({ kind, shape }) => `${kind} of shape (${shape?.map((n) => n ?? "batch").join(", ")})`).join(" and ");
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
