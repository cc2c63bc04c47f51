// @ts-check
/** What pages say when something fails: a sentence and advice, by the error's code. */

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
  return ["Something went wrong.", "Press Start to try again."];
}
