// @ts-check
/** "What left this page": everything that was sent and received, with its purpose and size. */

import { get, row } from "./elements.js";
import { count, size } from "./format.js";

/** @typedef {import("../syft-web/traffic.js").Traffic} Traffic */

/** What each kind of message is for. @type {Record<string, string>} */
const purposes = {
  authenticate: "Introducing this page",
  "speed-test": "Measuring the connection",
  "cycle-request": "Asking for a cycle",
  "get-model": "Fetching the model",
  "get-plan": "Fetching a plan",
  "get-protocol": "Fetching a protocol",
  report: "Sending the difference",
  "retrieve-model": "Looking at the newest model",
};

/** Single messages that are listed at most. */
const most = 200;

/** @typedef {{many: number, sent: number, received: number}} Sum */

/**
 * Fills the tables `requests` (one line a purpose) and `messages` (one line a message), and the
 * text `sent-in-all`.
 */
export class Requests {
  constructor() {
    /** @type {Map<string, Sum>} */
    this.sums = new Map();
    this.began = performance.now();
    this.scheduled = false;
    /** @type {Set<import("../syft-web.js").Runtime>} */
    this.watched = new Set();
  }

  /**
   * Notes all that a runtime sends from now on.
   *
   * @param {import("../syft-web.js").Runtime} runtime
   */
  watch(runtime) {
    if (this.watched.has(runtime)) return;
    this.watched.add(runtime);
    runtime.on("traffic", (entry) => this.note(entry));
  }

  /** @param {Traffic} entry */
  note({ host, what, sent, received }) {
    if (host === location.host) return;
    const purpose = purposes[what] ?? "Other messages";
    const sum = this.sums.get(purpose) ?? { many: 0, sent: 0, received: 0 };
    this.sums.set(purpose, { many: sum.many + 1, sent: sum.sent + sent, received: sum.received + received });
    const seconds = `${((performance.now() - this.began) / 1000).toFixed(1)} s`;
    const line = row([[seconds, "number"], [purpose], [host, "wide"], [size(sent), "number"], [size(received), "number"]]);
    get("messages").prepend(line);
    if (get("messages").childElementCount > most) get("messages").lastElementChild?.remove();
    this.schedule();
  }

  /** Draws soon, however many messages come. */
  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      this.draw();
    }, 150);
  }

  draw() {
    const sums = [...this.sums];
    const sent = sums.reduce((all, [, sum]) => all + sum.sent, 0);
    const many = sums.reduce((all, [, sum]) => all + sum.many, 0);
    get("requests").replaceChildren(
      ...sums.map(([purpose, sum]) =>
        row(
          [
            [purpose],
            [count(sum.many), "number wide"],
            [size(sum.sent), "number"],
            [size(sum.received), "number"],
          ],
          true,
        ),
      ),
    );
    get("sent-in-all").textContent = `${size(sent)} in ${count(many)} messages and requests.`;
    get("requests-part").hidden = false;
  }
}
