// @ts-check
/** Draws what the learner tells: the status, the version to judge, and what is known by now. */

import { get, make, row } from "../common/elements.js";
import { failure } from "../common/failures.js";
import { amount, count, duration, percent, size } from "../common/format.js";
import { chances, rate } from "./chance.js";

/** @typedef {import("./learner.js").Change} Change */

/** @type {Record<import("./learner.js").State, string>} */
const sentences = {
  idle: "Ready when you are.",
  loading: "Loading Python…",
  connecting: "Asking the grid for the counters…",
  ready: "What do you think of this one?",
  sending: "Sending how the counters changed…",
  rejected: "Not this time: the grid has enough helpers for now.",
  finished: "The grid counts no more answers.",
  error: "Something went wrong.",
};

export class View {
  /** @param {string[]} names What the versions are called. */
  constructor(names) {
    this.names = names;
    /** @type {HTMLElement[]} */
    this.lines = names.map((name, i) => learnedLine(name, get(`sign-${i}`)));
    get("learned").append(...this.lines);
    /** The model that is drawn, so that the chances are tried once for each. */
    this.drawn = "";
    this.rows = 0;
  }

  /** @param {Change} change */
  show(change) {
    const { state, error, seconds, waiting, visits } = change;
    document.documentElement.dataset.state = state;
    const [sentence, advice] = error ? failure(error.code) : [sentences[state], ""];
    if (get("sentence").textContent !== sentence) get("sentence").textContent = sentence;
    get("failure").hidden = !error;
    get("failure").textContent = error?.message ?? "";
    get("detail").textContent =
      advice ||
      (state === "idle" ? "Press Start to load Python and see the first version." : "") ||
      (state === "rejected" ? `Asking again in ${duration(seconds ?? 0)}.` : "") ||
      (state === "loading" ? "The first visit takes longest." : "") ||
      `${count(waiting)} of ${count(visits)} answers counted here; then the page reports.`;
    this.bar(change);
    this.controls(state);
    if (change.model) this.model(change.model);
    for (const report of change.reports.slice(this.rows)) this.report(report);
  }

  /** @param {Change} change */
  bar({ state, received, total, waiting, visits }) {
    const progress = /** @type {HTMLProgressElement} */ (get("progress"));
    get("bar").hidden = !["loading", "ready", "sending"].includes(state);
    get("amount").textContent = "";
    if (state === "loading" && received != null && total) {
      progress.value = Math.min(1, received / total);
      get("amount").textContent = amount(received, total);
    } else if (state === "loading") progress.removeAttribute("value");
    else progress.value = state === "sending" ? 1 : waiting / visits;
  }

  /** @param {import("./learner.js").State} state */
  controls(state) {
    const idle = ["idle", "ready", "finished", "error"].includes(state);
    get("start").setAttribute("aria-disabled", String(!idle));
    get("start").textContent = state === "idle" || !idle ? "Start" : "Start again";
    for (const id of ["like", "dislike", "crowd"]) get(id).setAttribute("aria-disabled", String(state !== "ready"));
  }

  /**
   * Shows one version to be judged, or none.
   *
   * @param {number | null} version
   */
  version(version) {
    this.names.forEach((_, i) => (get(`sign-${i}`).hidden = i !== version));
    get("nothing").hidden = version !== null;
    get("which").textContent = version === null ? "" : `Version ${this.names[version]}`;
  }

  /** @param {boolean} coming */
  crowd(coming) {
    get("crowd").textContent = coming ? "No more visitors" : "Let 200 visitors come";
    if (coming) this.version(null);
    get("crowd").setAttribute("aria-disabled", "false");
  }

  /** @param {{alphas: number[], betas: number[]}} model */
  model(model) {
    const key = JSON.stringify(model);
    if (key === this.drawn) return;
    this.drawn = key;
    const shares = chances(model);
    const rates = model.alphas.map((alpha, i) => rate(alpha, model.betas[i]));
    const judged = model.alphas.map((alpha, i) => alpha + model.betas[i] - 2);
    this.lines.forEach((line, i) => {
      const { mean, off } = rates[i];
      const set = (/** @type {string} */ part, /** @type {string} */ text) => {
        /** @type {HTMLElement} */ (line.querySelector(part)).textContent = text;
      };
      const range = /** @type {HTMLElement} */ (line.querySelector(".range"));
      range.style.setProperty("--low", String(Math.max(0, mean - off)));
      range.style.setProperty("--high", String(Math.min(1, mean + off)));
      range.style.setProperty("--mean", String(mean));
      set(".rate", judged[i] ? percent(mean) : "unknown");
      set(".judged", `${count(Math.round(judged[i]))} answers`);
      set(".share", `shown to ${chance(shares[i])} of the next visitors`);
    });
    const best = shares.indexOf(Math.max(...shares));
    get("winner").textContent = judged.some((n) => n >= 1)
      ? `So far version ${this.names[best]} looks best: with a chance of ${chance(shares[best])} it is liked most.`
      : "Nobody has answered yet: all versions are shown equally often.";
    for (const line of this.lines) line.classList.remove("best");
    if (judged.some((n) => n >= 1)) this.lines[best].classList.add("best");
  }

  /** @param {import("./learner.js").Report} report */
  report({ visits, likes, bytes }) {
    this.rows += 1;
    get("history-empty").hidden = true;
    get("history-scroll").hidden = false;
    get("history").prepend(
      row([
        [String(this.rows)],
        [count(visits), "number"],
        [count(likes), "number"],
        [size(bytes), "number"],
      ]),
    );
  }
}

/**
 * Chances that were tried out; never certain.
 *
 * @param {number} part
 */
function chance(part) {
  if (part > 0.99) return "over 99 %";
  return part < 0.01 ? "under 1 %" : `${Math.round(part * 100)} %`;
}

/**
 * @param {string} name
 * @param {HTMLElement} sign
 */
function learnedLine(name, sign) {
  const line = make("li");
  const title = make("p", "", "title");
  title.append(make("strong", `Version ${name}`), ` “${sign.querySelector(".headline")?.textContent ?? ""}”`);
  const range = make("span", "", "range");
  range.append(make("span", "", "span"), make("span", "", "point"));
  const numbers = make("p", "", "numbers");
  numbers.append(make("strong", "", "rate"), make("span", "", "judged"), make("span", "", "share"));
  line.append(title, range, numbers);
  return line;
}
