// What the grid's answers say, in words.

/**
 * A cycle as `status/models` has it; times in seconds since 1970.
 *
 * @typedef {object} Cycle
 * @property {number} number
 * @property {"open" | "aggregating" | "done" | "failed"} state
 * @property {number} workers
 * @property {number} reports
 * @property {number} started_at
 * @property {number | null} ends_at
 * @property {number | null} completed_at
 */

/**
 * A model as `status/models` has it.
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} version
 * @property {number} parameters
 * @property {"waiting" | "training" | "overdue" | "averaging" | "finished" | "failed"} state
 * @property {boolean} token_needed
 * @property {number | null} cycles_wanted
 * @property {number} cycles_done
 * @property {number} reports_least
 * @property {number | null} reports_most
 * @property {number} workers
 * @property {number} checkpoint
 * @property {Cycle[]} recent The newest first; there is always one.
 * @property {Record<string, Point[]>} charts
 */

/** @typedef {[number, number]} Point A checkpoint and a value. */

const UNITS = [
  { noun: "day", sign: "d", size: 86400 },
  { noun: "hour", sign: "h", size: 3600 },
  { noun: "minute", sign: "min", size: 60 },
];

const STATES = {
  waiting: "Waiting for workers",
  training: "Workers are training",
  overdue: "Waiting for more reports",
  averaging: "Averaging",
  finished: "Finished",
  failed: "Failed",
};

const CYCLES = {
  open: "open",
  aggregating: "averaging",
  done: "new checkpoint",
  failed: "no checkpoint",
};

/** The state of a model in two or three words. @param {Model} model */
export const stateWords = (model) => STATES[model.state] ?? model.state;

/** What became of a cycle. @param {Cycle} cycle */
export const cycleWords = (cycle) => CYCLES[cycle.state] ?? cycle.state;

/** How many reports the cycle under way shall have. @param {Model} model */
export const wanted = (model) => model.reports_most ?? model.reports_least;

/**
 * One or two sentences on how a model is getting on.
 *
 * @param {Model} model
 * @param {number} now The grid's time, in seconds.
 */
export function sentence(model, now) {
  const cycle = model.recent[0];
  if (model.state === "finished") {
    const cycles = count(model.cycles_done, "cycle");
    return `Training has ended after ${cycles}. Anybody may fetch the checkpoints.`;
  }
  if (model.state === "failed") {
    return `Training has ended: cycle ${cycle.number} made no checkpoint. The grid's log says why.`;
  }
  if (model.state === "averaging") {
    const reports = count(cycle.reports, "report");
    return `Cycle ${cycle.number} is closed; its ${reports} will make the next checkpoint.`;
  }
  const begin = `Cycle ${cycle.number} has ${reportsOf(model, cycle)}`;
  if (model.state === "overdue") {
    const missing = Math.max(0, model.reports_least - cycle.reports);
    const goesOn = `goes on until ${count(missing, "more report")} came in`;
    return `${begin}. Its time is over; it ${missing ? goesOn : "is about to end"}.`;
  }
  return `${begin}. ${deadline(cycle, now)}`;
}

/** What went wrong before the cycle that is under way, or nothing. @param {Model} model */
export function warning(model) {
  const before = model.recent[1];
  const goesOn = !["failed", "finished"].includes(model.state);
  return goesOn && before?.state === "failed"
    ? `Cycle ${before.number} made no checkpoint: too few reports, or they could not be averaged.`
    : "";
}

/** "3 workers", "1 worker". @param {number} number @param {string} noun */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** A time, roughly: "40 seconds", "5 minutes", "3 hours", "2 days". @param {number} seconds */
export function duration(seconds) {
  for (const { noun, size } of UNITS) {
    if (seconds >= 2 * size) return count(Math.round(seconds / size), noun);
  }
  return count(Math.max(0, Math.round(seconds)), "second");
}

/** The same in a few letters: "40 s", "5 min", "3 h", "2 d". @param {number} seconds */
export function shortDuration(seconds) {
  for (const { sign, size } of UNITS) {
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${sign}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}

/** A value of a curve in three digits. @param {number} value */
export function digits(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e4 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** @param {Model} model @param {Cycle} cycle */
function reportsOf(model, cycle) {
  const most = model.reports_most;
  if (most !== null) return `${cycle.reports} of ${count(most, "report")}`;
  return `${count(cycle.reports, "report")}, and needs at least ${model.reports_least}`;
}

/** @param {Cycle} cycle @param {number} now */
function deadline(cycle, now) {
  const places = cycle.workers - cycle.reports;
  const who = places
    ? `${count(places, "worker")} ${places === 1 ? "has" : "have"} still to report. `
    : "No worker is training now. ";
  if (cycle.ends_at === null) return who + "It has no end in time.";
  const left = cycle.ends_at - now;
  return who + (left < 1 ? "It is about to end." : `It ends in ${duration(left)}.`);
}
