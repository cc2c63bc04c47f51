// @ts-check
/**
 * The MNIST page: ties the form, the session and the view together.
 *
 * Query parameters: `grid`, `model`, `version`, `models` (names to choose between, with commas),
 * `shard` and `shards` (which part of the images is this page's), `keep=1`, `autostart=1` and
 * `verbose=1`. For programs that drive the page there are
 * `document.documentElement.dataset.state` and `window.syftDemo`.
 */

import { get } from "../common/elements.js";
import { count } from "../common/format.js";
import { keepOffline } from "../common/offline.js";
import { Requests } from "../common/requests.js";
import { sharedGuards, sharedRuntime } from "../syft-web.js";
import { watchTraffic } from "../syft-web/traffic.js";
import { Ask } from "./ask.js";
import { Desk } from "./desk.js";
import { drawSamples, shareOf, testImages } from "./images.js";
import { offerModels } from "./models.js";
import { Quality } from "./quality.js";
import { planName } from "./recipe.js";
import { Session, targetOf } from "./session.js";
import { View } from "./view.js";

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
  worked: (work) => void look(work),
});
const desk = new Desk();
const ask = new Ask(desk, testImages);
const quality = new Quality(desk, testImages);
const requests = new Requests();
watchTraffic((entry) => requests.note(entry));
/** What the work with the models is doing; programs may wait for it. */
let looking = Promise.resolve();

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
    requests.watch(sharedRuntime());
    const outcome = await session.joinOnce(settings());
    record(outcome);
    return outcome;
  },
  stop: () => session.stop(),

  /** Resolves when the page can start without a network. */
  offline: keepOffline({ busy: () => session.busy || session.state !== "idle" }),

  /** Resolves when the models have been asked and graded. */
  get looked() {
    return looking;
  },
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

/**
 * A cycle is over: its models can be asked, and what it cost be shown.
 *
 * @param {import("./session.js").Work} work
 */
async function look(work) {
  if (!work.syft.runtime.alive) return;
  looking = (async () => {
    const moved = await desk.take(work);
    if (moved) view.difference(moved);
    view.engine(await work.job.engine(planName, work.batchSize), work.outcome.msPerStep);
    await showModels();
  })().catch((error) => view.trouble(error));
  await looking;
}

async function showModels() {
  await ask.answer();
  await quality.grade();
}

/** Asks the grid for the newest model, a few times over while it may still be averaging. */
async function refresh() {
  if (!usable("refresh")) return;
  const say = (/** @type {string} */ words) => (get("refresh-text").textContent = words);
  get("refresh").setAttribute("aria-disabled", "true");
  say("Asking the grid…");
  try {
    let newer = await desk.refresh();
    for (const seconds of [0.5, 2]) {
      if (newer) break;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      newer = await desk.refresh();
    }
    await showModels();
    say(newer ? "This is the newest." : "It has not changed yet: the grid may be waiting for other pages.");
  } catch {
    say("The grid did not give it. Is it still running?");
  } finally {
    get("refresh").setAttribute("aria-disabled", "false");
  }
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
  if (target !== (target = targetOf(settings()))) {
    view.clear();
    quality.clear();
  }
  requests.watch(sharedRuntime());
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

get("anyway").addEventListener("click", () => {
  for (const { name } of sharedGuards().reasons) void sharedGuards().allow(name);
  get("status").focus();
});
get("refresh").addEventListener("click", () => void refresh());

input("grid").value = query.get("grid") ?? "ws://127.0.0.1:5000";
input("model").value = query.get("model") ?? "mnist";
input("version").value = query.get("version") ?? "1.0";
offerModels(query.get("models") ?? "", input("model"), () => session.busy);
input("keep").checked = query.get("keep") === "1";

const share = shareOf(shard, shards);
get("stays-more").textContent =
  `${count(share.length)} handwritten digits of the MNIST collection` +
  (shards > 1 ? ` (part ${shard + 1} of ${shards})` : "") +
  " stand in for yours. No picture is ever sent.";

document.documentElement.dataset.state = "idle";
if (query.get("autostart") === "1") void start();
