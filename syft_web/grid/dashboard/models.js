// The cards: one for each model, made once and kept up to date, so that what somebody has
// opened or focused stays so.

import { chart } from "./chart.js";
import { el, say } from "./elements.js";
import { cycleWords, digits, sentence, shortDuration } from "./words.js";
import { stateWords, wanted, warning } from "./words.js";

/** @import { Cycle, Model, Point } from "./words.js" */

/** All cards in an element of the page. */
export class Models {
  #place;
  /** @type {Map<string, Card>} */
  #cards = new Map();
  #empty;

  /**
   * @param {HTMLElement} place Where the cards go.
   * @param {string} address The grid's, for those who have no model yet.
   */
  constructor(place, address) {
    this.#place = place;
    this.#empty = nothingYet(address);
  }

  /** Show these models. @param {Model[]} models @param {number} now The grid's time in seconds. */
  show(models, now) {
    const before = this.#cards;
    this.#cards = new Map();
    for (const model of models) {
      const key = JSON.stringify([model.name, model.version]);
      const card = before.get(key) ?? new Card(model);
      card.show(model, now);
      this.#cards.set(key, card);
    }
    const cards = [...this.#cards.values()].map((card) => card.element);
    const order = cards.length ? cards : [this.#empty];
    if (!same(order, [...this.#place.children])) this.#place.replaceChildren(...order);
  }
}

class Card {
  #state = el("span", { class: "state" });
  #sentence = el("p", { class: "sentence" });
  #warning = el("p", { class: "warning" });
  #progress = el("progress");
  #facts = el("dl", { class: "facts" });
  #charts = el("div", { class: "charts" });
  #values = el("tbody");
  #valuesBox = table("Values of the curves", ["Checkpoint", "Loss", "Accuracy"], this.#values);
  #cycles = el("tbody");
  #drawn = "";
  #factsShown = "";

  /** @param {Model} model */
  constructor(model) {
    const version = el("span", { class: "version" }, model.version);
    const title = el("h3", {}, `${model.name} `, version);
    this.element = el(
      "article",
      { class: "card" },
      el("div", { class: "title" }, title, this.#state),
      this.#sentence,
      this.#warning,
      this.#progress,
      this.#facts,
      this.#charts,
      this.#valuesBox,
      table("Recent cycles", ["Cycle", "Reports", "Workers", "Outcome", "Took"], this.#cycles),
    );
  }

  /** @param {Model} model @param {number} now */
  show(model, now) {
    const words = stateWords(model);
    if (this.#state.textContent !== words) {
      this.#state.textContent = words;
      this.#state.className = `state ${model.state}`;
    }
    say(this.#sentence, sentence(model, now));
    say(this.#warning, warning(model));
    this.#warning.hidden = !this.#warning.textContent;
    this.#showProgress(model);
    this.#showFacts(model);
    this.#showCurves(model.charts);
    this.#cycles.replaceChildren(...model.recent.map((cycle) => cycleRow(cycle, now)));
  }

  /** @param {Model} model */
  #showProgress(model) {
    const cycle = model.recent[0];
    this.#progress.hidden = ["finished", "failed"].includes(model.state);
    this.#progress.max = Math.max(1, wanted(model), cycle.reports);
    this.#progress.value = cycle.reports;
    this.#progress.setAttribute("aria-label", `Reports to cycle ${cycle.number}`);
  }

  /** @param {Model} model */
  #showFacts(model) {
    const done = model.cycles_wanted
      ? `${model.cycles_done} of ${model.cycles_wanted}`
      : String(model.cycles_done);
    const facts = [
      ["Cycles finished", done],
      ["Newest checkpoint", String(model.checkpoint)],
      ["Workers so far", model.workers.toLocaleString("en")],
      ["Parameters", model.parameters.toLocaleString("en")],
    ];
    const shown = JSON.stringify(facts);
    if (shown === this.#factsShown) return;
    this.#factsShown = shown;
    this.#facts.replaceChildren(
      ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    );
  }

  /** @param {Record<string, Point[]>} charts */
  #showCurves(charts) {
    const drawn = JSON.stringify(charts);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const names = Object.keys(charts);
    this.#charts.hidden = this.#valuesBox.hidden = !names.length;
    this.#charts.replaceChildren(...names.map((name) => chart(name, charts[name])));
    this.#values.replaceChildren(...valueRows(charts));
  }
}

/** @param {string} address */
function nothingYet(address) {
  return el(
    "div",
    { class: "card" },
    el("p", {}, "No model is hosted here yet. Whoever runs this grid hosts one with"),
    el("pre", { tabindex: "0" }, `syft-web host MODEL.syft --url ${address}`),
    el("p", { class: "quiet" }, "This page shows it as soon as it is there."),
  );
}

/** @param {Cycle} cycle @param {number} now */
function cycleRow(cycle, now) {
  const end = cycle.completed_at ?? now;
  const took = shortDuration(end - cycle.started_at);
  const cells = [cycle.number, cycle.reports, cycle.workers, cycleWords(cycle), took];
  return el("tr", {}, ...cells.map((cell) => el("td", {}, String(cell))));
}

/** @param {Record<string, Point[]>} charts */
function valueRows(charts) {
  /** @type {Map<number, Record<string, string>>} */
  const rows = new Map();
  for (const name of ["loss", "accuracy"]) {
    for (const [number, value] of charts[name] ?? []) {
      rows.set(number, { ...rows.get(number), [name]: digits(value) });
    }
  }
  const newestFirst = [...rows].sort(([a], [b]) => b - a);
  return newestFirst.map(([number, { loss = "", accuracy = "" }]) => {
    return el("tr", {}, ...[String(number), loss, accuracy].map((cell) => el("td", {}, cell)));
  });
}

/** @param {string} title @param {string[]} columns @param {HTMLElement} body */
function table(title, columns, body) {
  const head = el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)));
  const made = el("table", {}, el("thead", {}, head), body);
  const scroll = { class: "scroll", tabindex: "0", role: "region", "aria-label": title };
  return el("details", {}, el("summary", {}, title), el("div", scroll, made));
}

/** @param {Element[]} a @param {Element[]} b */
function same(a, b) {
  return a.length === b.length && a.every((element, index) => element === b[index]);
}
