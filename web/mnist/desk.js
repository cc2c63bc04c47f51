// @ts-check
/**
 * The models that can be asked: the shared one, as the grid gave it, and this page's own, as
 * training left it. Both answer by the inference plan that is hosted with the model.
 */

import { SyftError, Tensor } from "../syft-web.js";

/** @typedef {import("./session.js").Work} Work */

/** @typedef {"shared" | "own"} Which */

/**
 * @typedef {object} Difference How far training moved the model.
 * @property {number} numbers
 * @property {number} norm Root of the sum of squares of all differences.
 * @property {number} modelNorm The same of the model before.
 */

const planName = "inference_plan";
const pixels = 784;
const classes = 10;

export class Desk {
  constructor() {
    /** @type {Work | null} */
    this.work = null;
    /** @type {Record<Which, Tensor[] | null>} */
    this.models = { shared: null, own: null };
    /** Bytes of the newest checkpoint that was fetched. @type {Uint8Array | null} */
    this.newest = null;
    /** One question after the other; a new model waits for the answers of the old. */
    this.queue = Promise.resolve();
  }

  /** Whether there is a model that can be asked; they are gone with the worker that held them. */
  get ready() {
    if (this.work && !this.work.syft.runtime.alive) {
      this.work = this.newest = null;
      this.models = { shared: null, own: null };
    }
    return this.models.shared !== null;
  }

  /** Why there is none, for people. */
  get reason() {
    if (!this.work) return "There is no model here yet: take part in a cycle first.";
    return "This model came without an inference plan: it can be trained here, but not asked.";
  }

  /**
   * Takes what a cycle left, and lets go of what the one before did.
   *
   * @param {Work} work
   * @returns {Promise<Difference | null>}
   */
  take(work) {
    return this.turn(async () => {
      const { work: old } = this;
      const sameModel = old && key(old) === key(work);
      const asked = work.job.plans[planName] && work.job.model;
      this.work = work;
      this.models = {
        shared: asked ? asked.params : null,
        own: asked && work.trained ? work.trained.params : sameModel && !work.trained ? this.models.own : null,
      };
      // What the page made of an earlier cycle goes with that cycle.
      if (old && !(sameModel && !work.trained)) void old.syft.close().catch(() => undefined);
      return work.trained ? difference(work.before, await numbers(work.trained.params)) : null;
    });
  }

  /**
   * Fetches the shared model as the grid has it now.
   *
   * @returns {Promise<boolean>} Whether it is another one than before.
   */
  refresh() {
    return this.turn(async () => {
      const { work } = this;
      if (!work?.job.plans[planName]) return false;
      const response = await fetch(addressOf(work), { cache: "no-cache", credentials: "omit" });
      if (!response.ok) throw new SyftError({ code: "grid.answer", message: `It answered ${response.status}.` });
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (this.newest && same(bytes, this.newest)) return false;
      this.newest = bytes.slice();
      const runtime = work.syft.runtime;
      const { tensors } = await runtime.call("state", { data: bytes }, { transfer: [bytes.buffer] });
      const made = tensors.map((/** @type {any} */ info) => new Tensor(runtime, info));
      const before = await numbers(this.models.shared ?? []);
      const after = await numbers(made);
      this.models.shared = made;
      return difference(before, after).norm > 0;
    });
  }

  /**
   * What a model makes of images.
   *
   * @param {Which} which
   * @param {Float32Array | Tensor} images 784 numbers from 0 to 1 an image. An array is moved, so
   *   empty afterwards; a tensor, from `keep`, can be asked about again.
   * @returns {Promise<Float32Array[] | null>} For each image ten probabilities; null: no such model.
   */
  ask(which, images) {
    return this.turn(async () => {
      const { work } = this;
      const params = this.models[which];
      if (!work || !params) return null;
      const plan = work.job.plans[planName];
      const input = images instanceof Tensor ? images : await this.keep(images, work);
      const outputs = await plan.execute(work.syft, ...inOrder(plan, input, params));
      const scores = /** @type {Float32Array} */ (await outputs[0].data());
      for (const tensor of input === images ? outputs : [input, ...outputs]) tensor.dispose();
      const rows = Array.from({ length: scores.length / classes }, (_, i) =>
        scores.subarray(i * classes, (i + 1) * classes),
      );
      return rows.map(probabilities);
    });
  }

  /**
   * Puts images where the models are.
   *
   * @param {Float32Array} images Moved, so empty afterwards.
   * @param {Work | null} [work]
   */
  async keep(images, work = this.work) {
    if (!work) throw new SyftError({ code: "page", message: "There is no model yet.", where: "desk" });
    return Tensor.from(work.syft.runtime, images, [images.length / pixels, pixels]);
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  turn(work) {
    const result = this.queue.then(work);
    this.queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}

/** @param {Work} work */
function key({ settings: { grid, model, version } }) {
  return JSON.stringify([grid, model, version]);
}

/** @param {Work} work */
function addressOf({ settings: { grid, model, version } }) {
  const base = grid.replace(/^ws/i, "http").replace(/\/+$/, "");
  const query = new URLSearchParams({ name: model, checkpoint: "latest" });
  if (version) query.set("version", version);
  return `${base}/model-centric/retrieve-model?${query}`;
}

/**
 * A plan that says what its inputs are gets them in its own order.
 *
 * @param {import("../syft-web.js").Plan} plan
 * @param {Tensor} images
 * @param {Tensor[]} params
 */
function inOrder(plan, images, params) {
  if (!plan.signature) return [images, ...params];
  const rest = [...params];
  return plan.signature.inputs.map(({ kind }) => {
    const next = kind === "data" ? images : rest.shift();
    if (!next) throw new SyftError({ code: "plan.other", message: "The plan wants more parameters.", where: "plan" });
    return next;
  });
}

/**
 * Scores as probabilities; those that are already stay as they are.
 *
 * @param {Float32Array} scores
 */
function probabilities(scores) {
  const total = scores.reduce((sum, value) => sum + value, 0);
  if (scores.every((value) => value >= 0) && Math.abs(total - 1) < 0.01) return scores;
  const top = Math.max(...scores);
  const powers = scores.map((value) => Math.exp(value - top));
  const all = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / all);
}

/** @param {Tensor[]} tensors */
async function numbers(tensors) {
  return Promise.all(tensors.map((tensor) => tensor.data()));
}

/**
 * @param {ArrayBufferView[]} before
 * @param {ArrayBufferView[]} after
 * @returns {Difference}
 */
export function difference(before, after) {
  let [count, moved, whole] = [0, 0, 0];
  before.forEach((values, i) => {
    const [old, now] = [/** @type {Float32Array} */ (values), /** @type {Float32Array} */ (after[i])];
    count += old.length;
    for (let k = 0; k < old.length; k += 1) {
      moved += (old[k] - now[k]) ** 2;
      whole += old[k] ** 2;
    }
  });
  return { numbers: count, norm: Math.sqrt(moved), modelNorm: Math.sqrt(whole) };
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
