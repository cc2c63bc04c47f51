// @ts-check
/** Draws what a session tells: sentence, bar, steps, charts, table. */

import { get, row } from "../common/elements.js";
import { failure } from "../common/failures.js";
import { amount, count, duration, loss, pace, percent, size } from "../common/format.js";
import { Chart } from "./chart.js";
import { sentences, steps } from "./words.js";

/** @typedef {import("./session.js").Change} Change */
/** @typedef {import("./session.js").Outcome} Outcome */

const idleStates = ["idle", "done", "finished", "stopped", "error"];

/** What people may know the builds by. @type {Record<string, string>} */
const kernelNames = { relaxed_simd: "SIMD, relaxed", simd128: "SIMD", numpy: "numpy only" };

/**
 * Whether all bytes of a download have come.
 *
 * @param {Change} change
 */
function arrived({ received, total }) {
  return Boolean(total) && received === total;
}

export class View {
  constructor() {
    this.loss = new Chart(get("loss-chart"), get("loss-text"), {
      name: "Loss",
      format: (value) => (value < 1e4 ? String(Number(value.toFixed(3))) : value.toExponential(1)),
    });
    this.accuracy = new Chart(get("accuracy-chart"), get("accuracy-text"), {
      name: "Accuracy",
      format: (value) => `${Math.round(value * 100)} %`,
      max: 1,
    });
    /** What to do about the present failure. */
    this.advice = "";
    /** Where the work was, for the mark in the list of steps. @type {string | null} */
    this.step = null;
    this.state = "";
    /** The state, and whether it is waited in. */
    this.phase = "";
    this.rows = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.announcing = undefined;
  }

  /** @param {Change} change */
  show(change) {
    const phase = change.waiting ? `${change.state} waiting` : change.state;
    if (phase !== this.phase) this.enter(change, phase);
    const detail = this.detail(change);
    if (detail !== null) get("detail").textContent = detail;
    this.bar(change);
    if (change.batch) this.batch(change.batch);
  }

  /**
   * What changes with the state only, so that a screen reader hears each sentence once.
   *
   * @param {Change} change
   * @param {string} phase
   */
  enter({ state, error, waiting }, phase) {
    this.phase = phase;
    this.state = state;
    document.documentElement.dataset.state = state;
    const [sentence, advice] = error ? failure(error.code) : [sentences[state], ""];
    this.say(sentence);
    get("failure").hidden = !error;
    get("failure").textContent = error?.message ?? "";
    this.advice = advice;
    const idle = idleStates.includes(state) || (state === "rejected" && !waiting);
    this.controls(!idle);
    this.steps(state, idle);
  }

  /**
   * Quick steps (a local grid answers in milliseconds) are shown, but only what stays is read out.
   *
   * @param {string} sentence
   */
  say(sentence) {
    const live = get("sentence");
    if (live.textContent === sentence) return;
    clearTimeout(this.announcing);
    live.setAttribute("aria-busy", "true");
    live.textContent = sentence;
    this.announcing = setTimeout(() => live.removeAttribute("aria-busy"), 400);
  }

  /**
   * Nothing is `disabled`: a control that is would lose the keyboard's focus.
   *
   * @param {boolean} busy
   */
  controls(busy) {
    for (const id of ["grid", "model", "version"]) {
      get(/** @type {string} */ (id)).toggleAttribute("readonly", busy);
    }
    get("start").setAttribute("aria-disabled", String(busy));
    get("stop").setAttribute("aria-disabled", String(!busy));
    get("start").textContent = busy || this.state === "idle" ? "Start" : "Start again";
  }

  /**
   * @param {import("./words.js").State} state
   * @param {boolean} idle
   */
  steps(state, idle) {
    const failed = state === "error" || state === "stopped";
    const items = [...get("steps").querySelectorAll("li")];
    const name = failed ? this.step : steps[state];
    const at = items.findIndex((item) => item.dataset.step === name);
    this.step = name;
    items.forEach((item, i) => {
      const here = state === "error" ? "failed" : state === "stopped" ? "" : idle ? "done" : "now";
      const progress = state === "reported" || i < at ? "done" : i > at ? "" : here;
      item.dataset.progress = progress;
      item.toggleAttribute("aria-current", progress === "now");
      if (progress === "now") item.setAttribute("aria-current", "step");
    });
  }

  /**
   * The second line; null leaves it as it is.
   *
   * @param {Change} change
   * @returns {string | null}
   */
  detail(change) {
    switch (change.state) {
      case "loading":
        return arrived(change) ? "All is here; starting it…" : "The first visit takes longest.";
      case "data":
        return "They stay in this page.";
      case "connecting":
      case "authenticating":
      case "requesting":
        return "Waiting for its answer.";
      case "measuring":
        return "This takes a few seconds, once a cycle.";
      case "downloading":
        return change.asset ? `The ${change.asset}.` : "";
      case "training":
        return change.batch ? this.trainingDetail(change.batch) : "The first update…";
      case "sending":
        return change.received ? `${size(change.received)}; the images stay here.` : null;
      case "rejected":
        return this.rejectedDetail(change);
      case "finished":
        return "The model has had all the cycles it was meant to have.";
      case "reported":
      case "done":
        return "When enough pages have reported, the grid averages them into a better model.";
      case "waiting":
        return "It begins when enough pages have reported. Stop ends the waiting.";
      case "turn":
        return "This page takes its turn when that one has reported, or is closed.";
      case "held":
        return change.text ?? "";
      case "resuming":
        return "An earlier visit ended in the middle of a cycle that is still open.";
      case "stopped":
        return "Nothing more is computed or sent. Press Start again to join the next cycle.";
      case "error":
        return this.advice;
      default:
        return "";
    }
  }

  /** @param {NonNullable<Change["batch"]>} batch */
  trainingDetail({ updates, total, msPerStep }) {
    const of = total ? ` of ${count(total)}` : "";
    return `Update ${count(updates)}${of}, ${pace(msPerStep)} each.`;
  }

  /** @param {Change} change */
  rejectedDetail({ seconds, waiting }) {
    if (seconds == null) return "";
    if (waiting) return `Asking again in ${duration(seconds)}.`;
    return `It can be asked again in ${duration(seconds)}. Press Start again then, or let the page keep asking.`;
  }

  /** @param {Change} change */
  bar(change) {
    const { state, received, total, batch, waiting } = change;
    const bar = get("bar");
    const progress = /** @type {HTMLProgressElement} */ (get("progress"));
    get("again").hidden = !(state === "rejected" && waiting);
    get("anyway").hidden = state !== "held";
    if (batch?.total) {
      progress.value = batch.updates / batch.total;
      get("amount").textContent = `${Math.floor(progress.value * 100)} %`;
    } else if (received != null && total && !(state === "loading" && arrived(change))) {
      progress.value = Math.min(1, received / total);
      get("amount").textContent = amount(received, total);
    } else if (["loading", "data", "downloading", "training"].includes(state)) {
      progress.removeAttribute("value");
      get("amount").textContent = received ? size(received) : "";
    } else {
      bar.hidden = true;
      return;
    }
    bar.hidden = false;
  }

  /** Empties the charts; the table of cycles stays. */
  clear() {
    this.loss.clear();
    this.accuracy.clear();
    get("loss-now").textContent = loss(null);
    get("accuracy-now").textContent = percent(null);
  }

  /**
   * What this page's engine is, and how fast.
   *
   * @param {{kernels: string, reason: string, flops: number | null}} engine
   * @param {number | null} [msPerStep]
   */
  engine({ kernels, reason, flops }, msPerStep) {
    get("engine-kernels").textContent = kernelNames[kernels] ?? kernels;
    get("engine-reason").textContent = `In use is ${reason}.`;
    if (!msPerStep) return;
    get("engine-step").textContent = pace(msPerStep);
    if (flops) get("engine-speed").textContent = `${(flops / msPerStep / 1e6).toFixed(1)} GFLOP/s`;
  }

  /** @param {import("./desk.js").Difference} difference */
  difference({ numbers, norm, modelNorm }) {
    get("engine-numbers").textContent = count(numbers);
    get("difference").textContent =
      `The last difference: ${count(numbers)} numbers, of norm ${norm.toPrecision(3)}; the model’s own is ` +
      `${modelNorm.toPrecision(3)}.`;
  }

  /**
   * Looking at the models failed; training is not concerned.
   *
   * @param {unknown} error
   */
  trouble(error) {
    get("quality-empty").hidden = false;
    get("quality-empty").textContent = `The models could not be asked: ${error instanceof Error ? error.message : error}`;
  }

  startCycle() {
    this.loss.startCycle();
    this.accuracy.startCycle();
  }

  /** @param {NonNullable<Change["batch"]>} batch */
  batch(batch) {
    this.loss.add(batch.loss);
    this.accuracy.add(batch.accuracy);
    get("loss-now").textContent = loss(batch.loss);
    get("accuracy-now").textContent = percent(batch.accuracy);
  }

  /** @param {Outcome} outcome */
  addCycle(outcome) {
    this.loss.describe();
    this.accuracy.describe();
    this.rows += 1;
    get("history-empty").hidden = true;
    get("history-scroll").hidden = false;
    /** @type {Record<Outcome["status"], string>} */
    const words = {
      reported: "Reported",
      rejected: "Not this time",
      error: "Failed",
      stopped: "Stopped",
      waiting: "Waiting",
    };
    const first = outcome.losses[0];
    get("history").prepend(
      row([
        [String(this.rows)],
        [outcome.finished ? "No more cycles" : words[outcome.status], `outcome-${outcome.status}`],
        [outcome.updates ? count(outcome.updates) : "–", "number wide"],
        [first == null ? "–" : `${loss(first)} → ${loss(outcome.lastLoss)}`, "number"],
        [percent(outcome.lastAccuracy), "number"],
        [outcome.diffBytes ? size(outcome.diffBytes) : "nothing", "number wide"],
        [`${outcome.seconds.toFixed(1)} s`, "number wide"],
      ]),
    );
    if (outcome.diffBytes) get("leaves-size").textContent = ` (${size(outcome.diffBytes)} last time)`;
  }
}
