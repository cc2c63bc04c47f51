// @ts-check
/**
 * The page of the second demo: which version do visitors like best?
 *
 * Query parameters: `grid`, `model`, `version`, `autostart=1`. For programs that drive the page
 * there are `document.documentElement.dataset.state` and `window.syftBandit`.
 */

import { get } from "../common/elements.js";
import { keepOffline } from "../common/offline.js";
import { Requests } from "../common/requests.js";
import { sharedRuntime } from "../syft-web.js";
import { chooser } from "./chance.js";
import { Learner } from "./learner.js";
import { View } from "./view.js";

const query = new URLSearchParams(location.search);
const names = ["A", "B", "C"];
/** Reports of one crowd of simulated visitors. */
const reports = 10;

const view = new View(names);
const requests = new Requests();
const learner = new Learner((change) => view.show(change));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (get(id));

/** The version that the person looks at; null when there is none. @type {number | null} */
let shown = null;

const demo = {
  get state() {
    return learner.state;
  },
  /** Likes and dislikes of each version, counted from 1. */
  get model() {
    return learner.model;
  },
  /** Resolves when the page can start without a network. */
  offline: keepOffline({ busy: () => learner.state !== "idle" }),
  /** What was reported so far. */
  get reports() {
    return learner.reports;
  },
};
Object.assign(window, { syftBandit: demo });

async function start() {
  requests.watch(sharedRuntime());
  const joined = await learner.join({
    grid: input("grid").value.trim(),
    model: query.get("model") ?? "bandit",
    version: query.get("version") ?? "1.0",
  });
  if (joined) next();
}

/** Shows the person another version, chosen as for any visitor. */
function next() {
  shown = learner.model ? chooser(learner.model)() : null;
  view.version(shown);
}

/** @param {boolean} like */
async function answer(like) {
  if (shown === null || learner.state !== "ready") return;
  learner.count(shown, like);
  shown = null;
  if (learner.waiting >= learner.visits) await learner.report();
  if (learner.state === "ready") next();
}

/** Visitors by the dozen, each with a mind of its own. */
async function crowd() {
  if (learner.state !== "ready" || learner.crowded) return;
  learner.crowded = true;
  view.crowd(true);
  try {
    for (let n = 0; n < reports && learner.crowded && learner.state === "ready"; n += 1) {
      const choose = chooser(/** @type {NonNullable<typeof learner.model>} */ (learner.model));
      while (learner.waiting < learner.visits) {
        const version = choose();
        learner.count(version, Math.random() < Number(input(`rate-${version}`).value) / 100);
      }
      await learner.report();
    }
  } finally {
    learner.crowded = false;
    view.crowd(false);
  }
  if (learner.state === "ready") next();
}

get("join").addEventListener("submit", (event) => {
  event.preventDefault();
  void start();
});
get("like").addEventListener("click", () => void answer(true));
get("dislike").addEventListener("click", () => void answer(false));
get("crowd").addEventListener("click", () => {
  if (learner.crowded) learner.crowded = false;
  else void crowd();
});
for (const [i] of names.entries()) {
  const tell = () => (get(`rate-${i}-text`).textContent = `${input(`rate-${i}`).value} %`);
  input(`rate-${i}`).addEventListener("input", tell);
  tell();
}

input("grid").value = query.get("grid") ?? "ws://127.0.0.1:5000";
document.documentElement.dataset.state = "idle";
if (query.get("autostart") === "1") void start();
