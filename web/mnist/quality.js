// @ts-check
/** The card "How good is it?": accuracy on test images, for each digit, and what is mistaken. */

import { get, make } from "../common/elements.js";
import { count, percent } from "../common/format.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./desk.js").Which} Which */
/** @typedef {import("./images.js").Share} Share */

const classes = 10;
/** Images that are asked about at once; between two such questions others get their turn. */
const batch = 250;

/** @typedef {{matrix: number[][], right: number, all: number}} Grades */

export class Quality {
  /**
   * @param {Desk} desk
   * @param {() => Promise<Share>} testImages
   */
  constructor(desk, testImages) {
    this.desk = desk;
    this.testImages = testImages;
    /** @type {Record<Which, Grades | null>} */
    this.grades = { shared: null, own: null };
    /** Accuracies of the shared model, one for each that was seen. @type {number[]} */
    this.history = [];
    this.asked = 0;
    /** Test images in the worker, by the number of the first. @type {Map<number, import("../syft-web.js").Tensor>} */
    this.parts = new Map();
    for (const which of /** @type {Which[]} */ (["shared", "own"])) {
      get(`quality-${which}`).addEventListener("change", () => this.draw());
    }
    this.draw();
  }

  /** @returns {Which} */
  get which() {
    return /** @type {HTMLInputElement} */ (get("quality-own")).checked ? "own" : "shared";
  }

  /** Another model is being trained: what was is about the old one. */
  clear() {
    this.asked += 1;
    this.grades = { shared: null, own: null };
    this.history = [];
    this.draw();
  }

  /** Grades both models anew. */
  async grade() {
    const ticket = (this.asked += 1);
    if (!this.desk.ready) return this.draw();
    const share = await this.testImages().catch(() => null);
    if (!share) return;
    for (const which of /** @type {Which[]} */ (["shared", "own"])) {
      const found = await this.gradeOne(which, share, () => ticket === this.asked).catch(() => null);
      if (ticket !== this.asked) return;
      this.grades[which] = found;
      if (which === "shared" && found) this.remember(found.right / found.all);
      this.draw();
    }
  }

  /** @param {number} accuracy */
  remember(accuracy) {
    if (accuracy !== this.history.at(-1)) this.history.push(accuracy);
  }

  /**
   * @param {Which} which
   * @param {Share} share
   * @param {() => boolean} wanted
   * @returns {Promise<Grades | null>}
   */
  async gradeOne(which, { images, labels, length }, wanted) {
    const matrix = Array.from({ length: classes }, () => new Array(classes).fill(0));
    let right = 0;
    for (let from = 0; from < length && wanted(); from += batch) {
      const answers = await this.desk.ask(which, await this.part(images, from));
      if (!answers) return null;
      answers.forEach((scores, i) => {
        const said = scores.indexOf(Math.max(...scores));
        matrix[labels[from + i]][said] += 1;
        right += Number(said === labels[from + i]);
      });
    }
    return { matrix, right, all: length };
  }

  /**
   * A batch of the test images, in the worker; they are put there once.
   *
   * @param {Uint8Array} images
   * @param {number} from
   */
  async part(images, from) {
    const known = this.parts.get(from);
    if (known?.runtime === this.desk.work?.syft.runtime) return /** @type {typeof known & {}} */ (known);
    // Assigning converts at once; a function for each pixel would block the page for a moment.
    const pixels = new Float32Array(images.subarray(from * 784, (from + batch) * 784));
    for (let i = 0; i < pixels.length; i += 1) pixels[i] /= 255;
    const made = await this.desk.keep(pixels);
    this.parts.set(from, made);
    return made;
  }

  draw() {
    const grades = this.grades[this.which];
    get("quality-part").hidden = !grades;
    get("quality-empty").hidden = Boolean(grades);
    const none = this.which === "own" && this.grades.shared;
    get("quality-empty").textContent = none
      ? "This page has not trained this model to the end yet."
      : this.desk.work && !this.desk.ready
        ? this.desk.reason
        : "Nothing yet. After a cycle, the models are asked about test images that nobody trained on.";
    if (!grades) return;
    const { matrix, right, all } = grades;
    get("quality-now").textContent = percent(right / all);
    get("quality-of").textContent = `of ${count(all)} test images are read rightly.`;
    get("quality-history").textContent =
      this.history.length > 1 ? `The shared model so far: ${this.history.map(unbroken).join(" → ")}` : "";
    get("classes").replaceChildren(...matrix.map((line, digit) => classLine(line, digit)));
    get("matrix").replaceChildren(...matrix.map((line, digit) => matrixLine(line, digit)));
  }
}

/** @param {number} part */
function unbroken(part) {
  return percent(part).replace(" ", "\u00a0");
}

/**
 * @param {number[]} line
 * @param {number} digit
 */
function classLine(line, digit) {
  const all = line.reduce((sum, n) => sum + n, 0);
  const part = all ? line[digit] / all : 0;
  const made = make("li");
  const track = make("span", "", "track");
  const fill = track.appendChild(make("span", "", "fill"));
  fill.style.setProperty("--part", String(part));
  made.append(make("span", String(digit), "name"), track, make("span", percent(part), "value"));
  return made;
}

/**
 * @param {number[]} line
 * @param {number} digit
 */
function matrixLine(line, digit) {
  const all = Math.max(1, line.reduce((sum, n) => sum + n, 0));
  const made = document.createElement("tr");
  const head = made.appendChild(make("th", String(digit)));
  head.setAttribute("scope", "row");
  line.forEach((many, said) => {
    const kind = said === digit ? "right" : many ? "wrong" : "none";
    const cell = made.appendChild(make("td", many ? String(many) : "·", kind));
    cell.style.setProperty("--part", String(many / all));
  });
  return made;
}
