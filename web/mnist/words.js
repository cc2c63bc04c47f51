// @ts-check
/** What the page says: a sentence for each state, advice for each kind of failure. */

/**
 * @typedef {"idle" | "loading" | "data" | "connecting" | "authenticating" | "measuring"
 *   | "requesting" | "rejected" | "accepted" | "downloading" | "training" | "sending"
 *   | "reported" | "waiting" | "done" | "finished" | "stopped" | "error"} State
 */

/** @type {Record<State, string>} */
export const sentences = {
  idle: "Ready when you are.",
  loading: "Loading Python…",
  data: "Loading the images…",
  connecting: "Connecting to the grid…",
  authenticating: "Introducing this page to the grid…",
  measuring: "Measuring your connection’s speed…",
  requesting: "Asking for a training cycle…",
  rejected: "Not this time: the grid has enough helpers for now.",
  downloading: "Accepted. Downloading the model and its plan…",
  accepted: "Accepted, and everything is here.",
  training: "Training on your images…",
  sending: "Sending the difference…",
  reported: "Reported. The grid has your contribution.",
  waiting: "Waiting for the next cycle…",
  done: "Done. The grid has your contribution – thank you.",
  finished: "The training is finished: no more cycles.",
  stopped: "Stopped.",
  error: "Something went wrong.",
};

/** The step of the list that is under way in a state. @type {Record<State, string | null>} */
export const steps = {
  idle: null,
  loading: "python",
  data: "images",
  connecting: "connect",
  authenticating: "connect",
  measuring: "connect",
  requesting: "cycle",
  rejected: "cycle",
  accepted: "download",
  downloading: "download",
  training: "train",
  sending: "report",
  reported: "report",
  waiting: "cycle",
  done: "report",
  finished: "cycle",
  stopped: null,
  error: null,
};

/**
 * What to say and advise, by error code; the longest matching beginning counts.
 *
 * @type {Record<string, [sentence: string, advice: string]>}
 */
const failures = {
  boot: [
    "Python could not be loaded.",
    "Check your internet connection, then press Start again.",
  ],
  "boot.wasm": [
    "Python cannot run in this page: WebAssembly is switched off.",
    "Try another browser, or tell the people who run this site.",
  ],
  worker: ["The page’s worker broke off.", "Press Start to begin anew."],
  data: ["The images could not be loaded.", "Check your internet connection, then press Start again."],
  "grid.address": ["That is no address of a grid.", "Correct the address, then press Start again."],
  "grid.unreachable": [
    "The grid cannot be reached.",
    "Check the address, and that the grid is running; then press Start again.",
  ],
  "grid.timeout": [
    "The grid did not answer in time.",
    "It may be busy. Wait a little, then press Start again.",
  ],
  "grid.closed": [
    "The grid closed the connection.",
    "It may have been restarted. Press Start to try again.",
  ],
  "grid.answer": [
    "That address does not answer like a grid.",
    "Check the address: it should be that of a PyGrid-compatible server.",
  ],
  "grid.authentication": [
    "The grid wants to know who you are.",
    "This model asks for an access token; ask the people who run the grid.",
  ],
  "grid.refused": [
    "The grid refused.",
    "Check the model’s name and version, then press Start again.",
  ],
  grid: ["The conversation with the grid failed.", "Press Start to try again."],
  "cycle.download": [
    "The model or its plan could not be fetched.",
    "The cycle may have ended meanwhile. Press Start to ask for another.",
  ],
  "cycle.settings": [
    "The model’s settings cannot be used in this page.",
    "Nothing was sent. Tell the people who host it.",
  ],
  "plan.other": [
    "This model is not one for this page’s images.",
    "Nothing was sent. Check the model’s name and version, then press Start again.",
  ],
  "wire.layout": [
    "The plan is written in an older format.",
    "Tell the people who host it; this page cannot run it.",
  ],
  wire: ["The grid sent something unreadable.", "Tell the people who run the grid."],
  plan: ["The plan cannot be run in this page.", "Tell the people who host it."],
  model: ["Training left the model in a bad state.", "Nothing was sent. Tell the people who host it."],
  training: ["The training broke off.", "Nothing was sent. Press Start to try again."],
};

/**
 * @param {string} code
 * @returns {[sentence: string, advice: string]}
 */
export function failure(code) {
  for (let name = code; name; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    if (failures[name]) return failures[name];
  }
  return [sentences.error, "Press Start to try again."];
}

const whole = new Intl.NumberFormat("en");

/** @param {number} value */
export function count(value) {
  return whole.format(value);
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * How far a download is, e.g. "2.1 of 16.9 MB".
 *
 * @param {number} received
 * @param {number | null} total
 */
export function amount(received, total) {
  if (!total) return size(received);
  const unit = size(total).split(" ")[1];
  const part = unit === "MB" ? (received / 1e6).toFixed(1) : unit === "kB" ? (received / 1e3).toFixed(0) : received;
  return `${part} of ${size(total)}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  if (s < 60) return s === 1 ? "1 second" : `${s} seconds`;
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}

/** @param {number | null | undefined} value */
export function loss(value) {
  if (value == null) return "–";
  if (!Number.isFinite(value)) return "not a number";
  return Math.abs(value) < 1e4 ? value.toFixed(3) : value.toExponential(1);
}

/** @param {number | null | undefined} value */
export function percent(value) {
  return value == null || !Number.isFinite(value) ? "–" : `${(value * 100).toFixed(1)} %`;
}

/** @param {number} ms */
export function pace(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}
