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

/** @typedef {(event: any) => void} Handler */
/** @typedef {{id: number, shape: number[], dtype: string}} TensorInfo */
/** @typedef {{id: number, params: TensorInfo[]}} ModelInfo */

/** A failure, with the stable code of the Python error behind it. */
export class SyftError extends Error {
  /** @param {{code: string, message: string, where?: string}} failure */
  constructor({ code, message, where = "" }) {
    super(message);
    this.name = "SyftError";
    /** Stable and dotted, e.g. `"grid.unreachable"`; `"boot"` and `"worker"` are the shim's own. */
    this.code = code;
    /** The command and the step, asset or action that failed. */
    this.where = where;
  }
}

/** Handlers by event name, the small base of everything that has `on`. */
class Emitter {
  constructor() {
    /** @type {Map<string, Handler[]>} */
    this._handlers = new Map();
  }

  /**
   * @param {string} event
   * @param {Handler} handler Called with `this` bound to the object.
   */
  on(event, handler) {
    this._handlers.set(event, [...(this._handlers.get(event) ?? []), handler]);
    return this;
  }

  /**
   * @param {string} event
   * @param {Handler} handler One that was given to `on`.
   */
  off(event, handler) {
    const rest = (this._handlers.get(event) ?? []).filter((known) => known !== handler);
    this._handlers.set(event, rest);
    return this;
  }

  /**
   * @param {string} event
   * @param {any} [payload]
   * @protected
   */
  _emit(event, payload) {
    for (const handler of this._handlers.get(event) ?? []) handler.call(this, payload);
  }
}

/**
 * One worker with Python in it. `Syft` objects share one by default.
 *
 * Events: `boot` with `{stage, received, total}` (bytes) while Python is being loaded.
 */
export class Runtime extends Emitter {
  /** @param {{workerUrl?: string | URL}} [options] */
  constructor({ workerUrl } = {}) {
    super();
    this._worker = new Worker(workerUrl ?? new URL("./syft-worker.js", import.meta.url), {
      type: "module",
      name: "syft_web",
    });
    this._nextId = 1;
    /** @type {Map<number, {resolve: (v: any) => void, reject: (e: Error) => void, onEvent?: Handler}>} */
    this._calls = new Map();
    /** @type {SyftError | null} */
    this._broken = null;
    this._worker.addEventListener("message", ({ data: message }) => this._receive(message));
    this._worker.addEventListener("error", (event) =>
      this._break("worker", event.message || "The worker's script could not be loaded."),
    );
    this._worker.addEventListener("messageerror", () =>
      this._break("worker", "A message of the worker could not be read."),
    );
    /**
     * Resolves when Python is ready for work.
     * @type {Promise<{ms: number, python: string}>}
     */
    this.ready = new Promise((resolve, reject) => {
      this._readyDone = { resolve, reject };
    });
    this.ready.catch(() => undefined);
    this._registry = new FinalizationRegistry((/** @type {number} */ id) => this.release([id]));
  }

  /**
   * Sends a command to the bridge.
   *
   * @param {string} command
   * @param {Record<string, unknown>} [args]
   * @param {{onEvent?: Handler, transfer?: Transferable[]}} [options]
   * @returns {Promise<any> & {id: number}} The result; rejects with a `SyftError`.
   */
  call(command, args = {}, { onEvent, transfer = [] } = {}) {
    const id = this._nextId++;
    const promise = new Promise((resolve, reject) => {
      if (this._broken) return reject(this._broken);
      this._calls.set(id, { resolve, reject, onEvent });
      this._worker.postMessage({ id, command, ...args }, transfer);
    });
    return Object.assign(promise, { id });
  }

  /**
   * Cancels a running command; its promise rejects with the code `cancelled`.
   *
   * @param {number} id
   */
  async cancel(id) {
    if (this._calls.has(id)) await this.call("cancel", { target: id });
  }

  /**
   * Frees objects of the worker; harmless for those that are gone.
   *
   * @param {number[]} handles
   */
  release(handles) {
    if (!this._broken) this._worker.postMessage({ id: this._nextId++, command: "release", handles });
  }

  /** Ends the worker at once; everything under way rejects with the code `cancelled`. */
  terminate() {
    this._break("cancelled", "Stopped.");
  }

  /**
   * Lets the garbage collector free the worker's object together with the page's handle.
   *
   * @param {object} owner
   * @param {number} id
   */
  _watch(owner, id) {
    this._registry.register(owner, id, owner);
  }

  /** @param {object} owner */
  _unwatch(owner) {
    this._registry.unregister(owner);
  }

  /** @param {any} message */
  _receive(message) {
    if (message.kind === "boot") {
      this._emit("boot", message);
      if (message.stage === "ready") this._readyDone?.resolve(message);
    } else if (message.kind === "boot-failed") {
      this._break(message.code, message.message, message.where);
    } else {
      const call = this._calls.get(message.id);
      if (!call) return;
      if (message.event === "result") {
        this._calls.delete(message.id);
        call.resolve(message.value);
      } else if (message.event === "failure") {
        this._calls.delete(message.id);
        call.reject(new SyftError(message));
      } else {
        call.onEvent?.(message);
      }
    }
  }

  /**
   * @param {string} code
   * @param {string} message
   * @param {string} [where]
   */
  _break(code, message, where = "worker") {
    if (this._broken) return;
    this._broken = new SyftError({ code, message, where });
    this._worker.terminate();
    for (const call of this._calls.values()) call.reject(this._broken);
    this._calls.clear();
    this._readyDone?.reject(this._broken);
  }

  /** False once the worker has failed or was terminated. */
  get alive() {
    return this._broken === null;
  }
}

/** @type {Map<string, Runtime>} */
const runtimes = new Map();

/**
 * The shared runtime of a worker URL; a new one when the last has failed.
 *
 * @param {string | URL} [workerUrl]
 */
export function sharedRuntime(workerUrl) {
  const key = String(workerUrl ?? "");
  let runtime = runtimes.get(key);
  if (!runtime?.alive) runtimes.set(key, (runtime = new Runtime({ workerUrl })));
  return runtime;
}

/** The connection to one grid. */
export class Syft {
  /**
   * @param {{url: string, verbose?: boolean, workerUrl?: string | URL, runtime?: Runtime}} options
   *   `url` begins with ws, wss, http or https. `verbose` logs the steps to the console.
   */
  constructor({ url, verbose = false, workerUrl, runtime }) {
    this.url = url;
    this.verbose = verbose;
    this.runtime = runtime ?? sharedRuntime(workerUrl);
    /** @type {Promise<number>} */
    this._id = this.runtime.call("open", { url, verbose }).then((result) => result.syft);
    // Whoever uses the object awaits this and hears of the failure.
    this._id.catch(() => undefined);
  }

  /**
   * @param {{modelName: string, modelVersion?: string, authToken?: string}} options
   * @returns {Job}
   */
  newJob({ modelName, modelVersion, authToken }) {
    return new Job(this, { modelName, modelVersion, authToken });
  }

  /** Closes the connection and frees all that was made through it. */
  async close() {
    await this.runtime.call("close", { syft: await this._id });
  }
}

/**
 * Taking part in one cycle.
 *
 * Events, as in syft.js: `accepted` with `{model, clientConfig}`; `rejected` with `{timeout}` in
 * seconds (undefined: the model is not trained any more); `error` with a `SyftError`. One more:
 * `progress` with `{stage, asset, received, total, text}`.
 */
export class Job extends Emitter {
  /**
   * @param {Syft} worker
   * @param {{modelName: string, modelVersion?: string, authToken?: string}} options
   */
  constructor(worker, { modelName, modelVersion, authToken }) {
    super();
    this.worker = worker;
    this.modelName = modelName;
    this.modelVersion = modelVersion;
    /** @type {Record<string, any>} */
    this.clientConfig = {};
    /** @type {Record<string, Plan>} */
    this.plans = {};
    /** Names of the protocols that came with the cycle. @type {string[]} */
    this.protocols = [];
    /** @type {SyftModel | null} */
    this.model = null;
    /** @type {number | null} */
    this._running = null;
    this._cancels = 0;
    /** @type {Promise<number>} */
    this._id = worker._id
      .then((syft) =>
        worker.runtime.call("job", {
          syft,
          modelName,
          modelVersion,
          authToken,
        }),
      )
      .then((result) => result.job);
    this._id.then((id) => worker.runtime._watch(this, id)).catch(() => undefined);
  }

  /**
   * Asks the grid for a cycle and, when accepted, downloads all that it needs.
   *
   * Never rejects: the outcome is an event and, beyond syft.js, also the value.
   *
   * @returns {Promise<{status: "accepted", model: SyftModel, clientConfig: Record<string, any>}
   *   | {status: "rejected", timeout?: number, finished: boolean}
   *   | {status: "error", error: SyftError}>}
   */
  async start() {
    /** @type {any} */
    let reply;
    try {
      reply = await this._call("request", {}, (event) => this._emit("progress", event));
    } catch (error) {
      this._emit("error", error);
      return { status: "error", error: /** @type {SyftError} */ (error) };
    }
    if (reply.outcome === "rejected") {
      const timeout = reply.timeout ?? undefined;
      this._emit("rejected", { timeout });
      return { status: "rejected", timeout, finished: reply.finished };
    }
    const model = new SyftModel(this.worker.runtime, reply.model, this);
    this.model = model;
    this.clientConfig = reply.clientConfig;
    this.protocols = reply.protocols;
    this.plans = Object.fromEntries(
      reply.plans.map((/** @type {any} */ plan) => [plan.name, new Plan(this, plan)]),
    );
    this._emit("accepted", { model, clientConfig: this.clientConfig });
    return { status: "accepted", model, clientConfig: this.clientConfig };
  }

  /** The same as `start`. */
  request() {
    return this.start();
  }

  /**
   * Trains with a plan of the cycle; starts in the next turn of the event loop.
   *
   * @param {string} planName
   * @param {TrainOptions} options
   */
  train(planName, options) {
    const trainer = new PlanTrainer(this, planName, options);
    setTimeout(() => void trainer.start());
    return trainer;
  }

  /**
   * Sends the difference; resolves when the grid has acknowledged it.
   *
   * @param {ArrayBuffer | Uint8Array} diff From `SyftModel.createSerializedDiff`. Not moved: it
   *   can be sent again when the grid did not answer.
   */
  async report(diff) {
    await this._call("report", { diff }, (event) => this._emit("progress", event));
  }

  /** Ends the request or report that is under way; its promise settles with code `cancelled`. */
  async cancel() {
    this._cancels += 1;
    if (this._running !== null) await this.worker.runtime.cancel(this._running);
  }

  /** Frees the worker's side: model, plans and trainers of this job. */
  async dispose() {
    this.worker.runtime.release([await this._id]);
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} args
   * @param {Handler} [onEvent]
   */
  async _call(command, args, onEvent) {
    const cancels = this._cancels;
    const job = await this._id;
    // Cancelled before the worker had heard of it.
    if (cancels !== this._cancels) {
      throw new SyftError({ code: "cancelled", message: "Cancelled.", where: command });
    }
    const call = this.worker.runtime.call(command, { job, ...args }, { onEvent });
    this._running = call.id;
    try {
      return await call;
    } finally {
      if (this._running === call.id) this._running = null;
    }
  }
}

/** A handle to an array that lives in the worker. */
export class Tensor {
  /**
   * @param {Runtime} runtime
   * @param {TensorInfo} info
   * @param {object} [owner] What the array lives and dies with in the worker.
   */
  constructor(runtime, info, owner) {
    this.runtime = runtime;
    this.id = info.id;
    this.shape = info.shape;
    this.dtype = info.dtype;
    // While this handle is in use, its owner must not be collected.
    this._owner = owner;
    runtime._watch(this, info.id);
  }

  /**
   * Puts numbers into the worker.
   *
   * @param {Runtime} runtime
   * @param {ArrayBufferView} values A typed array; its buffer is moved, so it is empty afterwards.
   * @param {number[]} [shape]
   */
  static async from(runtime, values, shape) {
    const message = {
      data: values,
      dtype: dtypeOf(values),
      shape: shape ?? [/** @type {any} */ (values).length],
    };
    const transfer = [/** @type {ArrayBuffer} */ (values.buffer)];
    return new Tensor(runtime, await runtime.call("tensor", message, { transfer }));
  }

  /** A typed array with a copy of the numbers, in row order. */
  async data() {
    return (await this.runtime.call("tensor-data", { tensor: this.id })).data;
  }

  /** Frees the array in the worker. */
  dispose() {
    this.runtime._unwatch(this);
    this.runtime.release([this.id]);
  }
}

/** The model of a cycle, or what training made of it. */
export class SyftModel {
  /**
   * @param {Runtime} runtime
   * @param {ModelInfo} info
   * @param {Job} job
   */
  constructor(runtime, info, job) {
    this.runtime = runtime;
    this._job = job;
    this.id = info.id;
    /** In the order of the hosted State. */
    this.params = info.params.map((param) => new Tensor(runtime, param, this));
    runtime._watch(this, info.id);
  }

  /**
   * The difference to `updatedModelParams`, ready for `job.report`.
   *
   * @param {Tensor[]} updatedModelParams
   * @returns {Promise<ArrayBuffer>}
   */
  async createSerializedDiff(updatedModelParams) {
    const params = updatedModelParams.map((tensor) => tensor.id);
    return (await this.runtime.call("diff", { model: this.id, params })).diff.buffer;
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

/** A plan of an accepted cycle. */
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
   * @param {Syft} worker As in syft.js; the plan runs in the worker of its job.
   * @param {...(Tensor | number)} args
   * @returns {Promise<Tensor[]>}
   */
  async execute(worker, ...args) {
    const plain = args.map((arg) => (arg instanceof Tensor ? { tensor: arg.id } : arg));
    const reply = await this.job._call("execute", { plan: this.name, args: plain });
    return reply.tensors.map((/** @type {TensorInfo} */ info) => new Tensor(worker.runtime, info));
  }
}

/** What a plan's input is filled from, in the order of the plan's inputs. */
export class PlanInputSpec {
  static TYPE_DATA = "data";
  static TYPE_TARGET = "target";
  static TYPE_BATCH_SIZE = "batchSize";
  static TYPE_CLIENT_CONFIG_PARAM = "clientConfigParam";
  static TYPE_VALUE = "value";
  static TYPE_MODEL_PARAM = "modelParam";

  /**
   * @param {string} type
   * @param {string | null} [name]
   * @param {number | null} [index]
   * @param {number | null} [value]
   */
  constructor(type, name = null, index = null, value = null) {
    this.type = type;
    this.name = name;
    this.index = index;
    this.value = value;
  }
}

/** What a plan's output is, in the order of the plan's outputs. */
export class PlanOutputSpec {
  static TYPE_LOSS = "loss";
  static TYPE_METRIC = "metric";
  static TYPE_MODEL_PARAM = "modelParam";

  /**
   * @param {string} type
   * @param {string | null} [name]
   * @param {number | null} [index]
   */
  constructor(type, name = null, index = null) {
    this.type = type;
    this.name = name;
    this.index = index;
  }
}

/**
 * @typedef {object} TrainOptions
 * @property {PlanInputSpec[]} [inputs] Leave both out for a plan that says itself what they are.
 * @property {PlanOutputSpec[]} [outputs]
 * @property {DataLoader | ArrayDataset | Tensor} data
 * @property {Tensor} [target] With `data` a tensor: the targets, of the same length.
 * @property {number} [epochs] Default: `max_epochs` of the client config, else 1.
 * @property {number} [batchSize] Default: `batch_size` of the client config; a loader's own wins.
 * @property {number} [stepsPerEpoch] Default: `max_updates` of the client config.
 * @property {Record<string, Handler>} [events] Handlers by event name.
 */

/**
 * The training loop.
 *
 * Events, as in syft.js: `start`, `end`, `stop`, `epochStart` and `epochEnd` with `{epoch}`,
 * `batchStart` with `{epoch, batch}`, `batchEnd` with `{epoch, batch, loss, metrics}`; here
 * `batchEnd` also has `updates` (batches done), `total` (batches to do, null when unknown) and
 * `msPerStep`. One more than there: `error` with a `SyftError`.
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
    this._stopWanted = false;
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
      this._id ??= this._create();
      const trainer = await this._id;
      if (this._stopWanted) return this._emit("stop", {});
      this.stopped = false;
      const onEvent = (/** @type {any} */ event) => this._progress(event);
      const reply = await runtime.call("train", { trainer, resume }, { onEvent });
      this.currentModel = new SyftModel(runtime, reply.model, this.job);
      this.stopped = reply.status === "stop";
      this._emit(reply.status, {});
    } catch (error) {
      this._emit("error", error);
    }
  }

  /** Asks the loop to stop before its next batch; resolves when it has. */
  async stop() {
    // Before it has begun there is nothing to stop but the beginning.
    if (!this._id) this._stopWanted = true;
    else await this.job.worker.runtime.call("stop", { trainer: await this._id });
  }

  /** Goes on after `stop`. */
  async resume() {
    this._stopWanted = false;
    if (this.stopped) await this.start(true);
  }

  /** @returns {Promise<number>} */
  async _create() {
    const { inputs, outputs, data: source, target, epochs, batchSize, stepsPerEpoch } = this.options;
    const reply = await this.job._call("trainer", {
      plan: this.planName,
      inputs: inputs?.map(withoutNulls),
      outputs: outputs?.map(withoutNulls),
      data: await describeData(source),
      target: target?.id,
      epochs,
      batchSize,
      stepsPerEpoch,
    });
    return reply.trainer;
  }

  /** @param {any} event */
  _progress(event) {
    if ("epoch" in event) this.epoch = event.epoch;
    if ("batch" in event) this.batchIdx = event.batch;
    this._emit(event.event, event);
  }
}

/** @param {DataLoader | ArrayDataset | Tensor} source */
async function describeData(source) {
  if (source instanceof Tensor) return { tensor: source.id };
  const loader = source instanceof ArrayDataset ? null : source;
  const dataset = await (loader ? loader.dataset : /** @type {ArrayDataset} */ (source))._id;
  return {
    dataset,
    batchSize: loader?.batchSize,
    shuffle: loader?.shuffle ?? true,
    dropLast: loader?.dropLast ?? false,
    seed: loader?.seed,
  };
}

/**
 * @typedef {object} Column One array of a dataset; all have the same number of rows.
 * @property {ArrayBufferView} data A typed array; its buffer is moved into the worker.
 * @property {number[]} [shape] Default: one number a row.
 * @property {number} [divide] Numbers become float32, divided by this, e.g. 255.
 * @property {number} [oneHot] Rows become float32 one-hot rows of this depth.
 */

/**
 * Rows kept as the bytes they are, inside the worker; only a batch at a time becomes floats.
 */
export class ArrayDataset {
  /**
   * @param {Column[]} columns
   * @param {{runtime?: Runtime}} [options]
   */
  constructor(columns, { runtime = sharedRuntime() } = {}) {
    this.runtime = runtime;
    const rows = columns.map(({ data: values, shape }) => shape?.[0] ?? /** @type {any} */ (values).length);
    this.length = rows[0] ?? 0;
    const args = {
      columns: columns.map(({ data: values, shape, divide, oneHot }, i) => ({
        data: values,
        dtype: dtypeOf(values),
        shape: shape ?? [rows[i]],
        divide,
        oneHot,
      })),
    };
    const transfer = [...new Set(columns.map((column) => /** @type {ArrayBuffer} */ (column.data.buffer)))];
    /** @type {Promise<number>} */
    this._id = runtime.call("data", args, { transfer }).then((result) => result.dataset);
    /** Resolves when the worker has the bytes. */
    this.ready = this._id.then((id) => runtime._watch(this, id));
    this.ready.catch(() => undefined);
  }

  /** Frees the bytes in the worker. */
  async dispose() {
    this.runtime._unwatch(this);
    this.runtime.release([await this._id]);
  }
}

/** Batches of a dataset; each epoch goes through the rows anew. */
export class DataLoader {
  /**
   * @param {{dataset: ArrayDataset, batchSize?: number, shuffle?: boolean, dropLast?: boolean,
   *   seed?: number}} options
   */
  constructor({ dataset, batchSize = 1, shuffle = true, dropLast = false, seed }) {
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.seed = seed;
  }

  /** Batches in one epoch. */
  get length() {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }
}

export const data = { ArrayDataset, DataLoader };

/**
 * Python knows no null beside undefined; absent is clear to both.
 *
 * @param {object} value
 */
function withoutNulls(value) {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
}

/** @param {ArrayBufferView} values */
function dtypeOf(values) {
  return values.constructor.name.replace(/Clamped|Big|Array$/g, "").toLowerCase();
}

export default Syft;
