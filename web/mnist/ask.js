// @ts-check
/** The card "Try it": draw a digit, or take a test image, and see what the models say. */

import { get, make } from "../common/elements.js";
import { percent } from "../common/format.js";
import { DigitPad } from "./digit.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./desk.js").Which} Which */
/** @typedef {import("./images.js").Share} Share */

/** @type {{which: Which, missing: string}[]} */
const sides = [
  { which: "shared", missing: "No model yet" },
  { which: "own", missing: "Not trained yet" },
];

export class Ask {
  /**
   * @param {Desk} desk
   * @param {() => Promise<Share>} testImages
   */
  constructor(desk, testImages) {
    this.desk = desk;
    this.testImages = testImages;
    this.at = -1;
    this.asked = 0;
    this.pad = new DigitPad(get("pad"), () => {
      this.say("");
      void this.answer();
    });
    for (const { which } of sides) {
      get(`bars-${which}`).append(...Array.from({ length: 10 }, (_, digit) => bar(digit)));
    }
    get("pad-clear").addEventListener("click", () => this.pad.clear());
    get("pad-next").addEventListener("click", () => void this.next());
    void this.answer();
  }

  /** Shows the next test image; the way for those who do not draw. */
  async next() {
    let share;
    try {
      share = await this.testImages();
    } catch (error) {
      return this.say(error instanceof Error ? error.message : String(error));
    }
    this.at = (this.at + 1) % share.length;
    this.pad.show(share.images.subarray(this.at * 784, (this.at + 1) * 784));
    this.say(`Test image ${this.at + 1}: people read it as ${share.labels[this.at]}.`);
    await this.answer();
  }

  /** Asks all models again, e.g. because one of them is new. */
  async answer() {
    const ticket = (this.asked += 1);
    const { ready } = this.desk;
    const pixels = this.pad.empty ? null : this.pad.pixels();
    const words = [];
    for (const { which, missing } of sides) {
      const known = this.desk.models[which] !== null;
      const found = pixels && known ? await this.desk.ask(which, pixels.slice()).catch(() => null) : null;
      // Meanwhile something else was drawn.
      if (ticket !== this.asked) return;
      words.push(this.show(which, found?.[0] ?? null, known ? "Draw a digit" : missing));
    }
    if (!ready) get("answer-hint").textContent = this.desk.reason;
    get("answer-hint").hidden = ready;
    get("answer-text").textContent = pixels ? words.filter(Boolean).join(" ") : "";
  }

  /**
   * @param {Which} which
   * @param {Float32Array | null} probabilities
   * @param {string} otherwise What to say where there is no answer.
   */
  show(which, probabilities, otherwise) {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    get(`digit-${which}`).textContent = probabilities ? String(best) : "–";
    get(`sure-${which}`).textContent = probabilities ? `${percent(probabilities[best])} sure` : otherwise;
    [...get(`bars-${which}`).children].forEach((line, digit) => {
      const value = probabilities?.[digit] ?? 0;
      line.classList.toggle("best", digit === best);
      const fill = /** @type {HTMLElement} */ (line.querySelector(".fill"));
      fill.style.setProperty("--part", String(value));
      /** @type {HTMLElement} */ (line.querySelector(".value")).textContent = probabilities ? percent(value) : "";
    });
    if (!probabilities) return "";
    const who = which === "shared" ? "The shared model" : "This page’s model";
    return `${who} says ${best}, ${percent(probabilities[best])} sure.`;
  }

  /** @param {string} words */
  say(words) {
    get("pad-text").textContent = words;
  }
}

/** @param {number} digit */
function bar(digit) {
  const line = make("li");
  const track = make("span", "", "track");
  track.append(make("span", "", "fill"));
  line.append(make("span", String(digit), "name"), track, make("span", "", "value"));
  return line;
}
