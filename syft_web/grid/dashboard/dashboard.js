// The grid's page: asks how its models are getting on, every other second while it is seen.

import { byId, say } from "./elements.js";
import { Join, gridAddress } from "./join.js";
import { Models } from "./models.js";
import { count } from "./words.js";

/** @import { Model } from "./words.js" */

const EVERY = 2000;
const LONGEST_WAIT = 30000;
const STALLED = 15000;

const models = new Models(byId("models", HTMLElement), gridAddress());
const join = new Join();
const status = byId("status", HTMLElement);

let failures = 0;
let skew = 0; // this computer's clock against the grid's, in seconds
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let asking = false;

/** @returns {Promise<{ models: Model[], models_total: number }>} */
async function ask() {
  const answer = await fetch("status/models", { signal: AbortSignal.timeout(STALLED) });
  if (!answer.ok) throw new Error(`the grid answered ${answer.status}`);
  const date = Date.parse(answer.headers.get("Date") ?? "");
  // The header has whole seconds: small differences say nothing.
  const ahead = (Date.now() - date) / 1000;
  skew = Math.abs(ahead) > 2 ? ahead : 0;
  return answer.json();
}

/** @param {{ models: Model[], models_total: number }} answer */
function show({ models: found, models_total: total }) {
  models.show(found, Date.now() / 1000 - skew);
  join.show(found);
  const more = byId("more", HTMLElement);
  more.hidden = total <= found.length;
  say(more, `Only the newest ${found.length} of ${total} are shown.`);
  say(status, found.length ? `${count(total, "model")}, kept up to date` : "Ready for models");
  status.className = "status";
}

function showFailure() {
  say(status, "The grid does not answer. What is shown may be old; this page keeps trying.");
  status.className = "status lost";
}

async function refresh() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    show(await ask());
    failures = 0;
  } catch (error) {
    failures += 1;
    showFailure();
    console.warn(error);
  } finally {
    asking = false;
  }
  if (!document.hidden) timer = setTimeout(refresh, Math.min(EVERY * 2 ** failures, LONGEST_WAIT));
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refresh();
});

refresh();
