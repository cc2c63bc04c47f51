// @ts-check
/** What the page says: a sentence for each state, and the step that is under way in it. */

/**
 * @typedef {"idle" | "loading" | "data" | "connecting" | "authenticating" | "measuring"
 *   | "requesting" | "rejected" | "accepted" | "downloading" | "training" | "sending"
 *   | "reported" | "waiting" | "turn" | "held" | "resuming" | "done" | "finished" | "stopped"
 *   | "error"} State
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
  turn: "Another tab is training this model…",
  held: "Not now…",
  resuming: "Going on where this page was left…",
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
  turn: "cycle",
  held: "cycle",
  resuming: "cycle",
  done: "report",
  finished: "cycle",
  stopped: null,
  error: null,
};
