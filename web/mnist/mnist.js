// @ts-check
/**
 * The MNIST page: ties the form, the session and the view together.
 *
 * Query parameters: `grid`, `model`, `version`, `shard` and `shards` (which part of the images is
 * this page's), `keep=1`, `autostart=1` and `verbose=1`. For programs that drive the page there are
 * `document.documentElement.dataset.state` and `window.syftDemo`.
 */

import { drawSamples, shareOf } from "./images.js";
import { Session, targetOf } from "./session.js";
import { View, get } from "./view.js";
import { count } from "./words.js";

/** @typedef {import("./session.js").Outcome} Outcome */

const query = new URLSearchParams(location.search);
const shards = Math.max(1, Math.floor(Number(query.get("shards")) || 1));
const shard = Math.min(shards - 1, Math.max(0, Math.floor(Number(query.get("shard")) || 0)));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (get(id));

const view = new View();
const session = new Session((change) => view.show(change), {
  share: (share) => {
    const canvas = /** @type {HTMLCanvasElement} */ (get("samples"));
    canvas.hidden = false;
    drawSamples(canvas, share);
  },
  accepted: () => view.startCycle(),
});

/** What the charts are about. */
let target = "";

const demo = {
  get state() {
    return session.state;
  },
  /** Outcomes so far, oldest first. @type {Outcome[]} */
  cycles: [],
  /** Failures so far. @type {NonNullable<Outcome["error"]>[]} */
  errors: [],

  /** Takes part in one cycle with what the form says. @returns {Promise<Outcome>} */
  async joinOnce() {
    const outcome = await session.joinOnce(settings());
    record(outcome);
    return outcome;
  },
  stop: () => session.stop(),
};
Object.assign(window, { syftDemo: demo });

function settings() {
  return {
    grid: input("grid").value.trim(),
    model: input("model").value.trim(),
    version: input("version").value.trim(),
    shard,
    shards,
    verbose: query.get("verbose") === "1",
  };
}

/** @param {Outcome} outcome */
function record(outcome) {
  demo.cycles.push(outcome);
  if (outcome.error) demo.errors.push(outcome.error);
  view.addCycle(outcome);
}

/** True when the form can be used; otherwise says what is missing. */
function check() {
  const problems = [
    { field: input("grid"), problem: addressProblem(input("grid").value.trim()) },
    { field: input("model"), problem: input("model").value.trim() ? "" : "Enter the model’s name." },
  ];
  for (const { field } of problems) field.toggleAttribute("aria-invalid", false);
  const first = problems.find(({ problem }) => problem);
  get("form-problem").textContent = first?.problem ?? "";
  get("form-problem").hidden = !first;
  if (!first) return true;
  first.field.setAttribute("aria-invalid", "true");
  first.field.setAttribute("aria-describedby", "form-problem");
  first.field.focus();
  return false;
}

/** @param {string} address */
function addressProblem(address) {
  if (!address) return "Enter the grid’s address.";
  if (!/^(ws|http)s?:\/\/[^/\s]+/i.test(address)) {
    return "The address should begin with ws://, wss://, http:// or https://.";
  }
  if (location.protocol === "https:" && /^(ws|http):/i.test(address) && !/\/\/(localhost|127\.)/.test(address)) {
    return "This page came over https, so the grid’s address must begin with wss:// or https://.";
  }
  return "";
}

/** @param {string} id */
function usable(id) {
  return get(id).getAttribute("aria-disabled") !== "true";
}

async function start() {
  if (session.busy || !usable("start") || !check()) return;
  // The charts are those of one model.
  if (target !== (target = targetOf(settings()))) view.clear();
  // On a phone the status is below the form.
  get("status").scrollIntoView({ block: "nearest" });
  await session.run(settings(), () => input("keep").checked, record);
}

get("join").addEventListener("submit", (event) => {
  event.preventDefault();
  void start();
});
get("stop").addEventListener("click", () => {
  if (!usable("stop")) return;
  session.stop();
  get("status").focus();
});
get("again").addEventListener("click", () => {
  session.askAgain();
  get("status").focus();
});

input("grid").value = query.get("grid") ?? "ws://127.0.0.1:5000";
input("model").value = query.get("model") ?? "mnist";
input("version").value = query.get("version") ?? "1.0";
input("keep").checked = query.get("keep") === "1";

const share = shareOf(shard, shards);
get("stays-more").textContent =
  `${count(share.length)} handwritten digits of the MNIST collection` +
  (shards > 1 ? ` (part ${shard + 1} of ${shards})` : "") +
  " stand in for yours. No picture is ever sent.";

document.documentElement.dataset.state = "idle";
if (query.get("autostart") === "1") void start();
