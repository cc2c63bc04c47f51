// How to take part: programs with this grid's own address and a model's name in them.

import { byId, el, say } from "./elements.js";

/** @import { Model } from "./words.js" */

/** The address of the grid whose page this is, without a slash at its end. */
export function gridAddress(scheme = "ws") {
  const url = new URL(".", location.href);
  if (scheme === "ws") url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href.replace(/\/$/, "");
}

/** The section of the page that shows the programs. */
export class Join {
  #section = byId("join", HTMLElement);
  #choose = byId("choose", HTMLSelectElement);
  /** @type {Model[]} */
  #models = [];

  constructor() {
    say(byId("address", HTMLElement), gridAddress());
    this.#choose.addEventListener("change", () => this.#write());
    for (const button of this.#section.querySelectorAll("button")) {
      button.addEventListener("click", () => copy(button));
    }
  }

  /** Offer these models. @param {Model[]} models */
  show(models) {
    const open = models.filter(({ state }) => !["finished", "failed"].includes(state));
    const keys = (/** @type {Model[]} */ list) =>
      JSON.stringify(list.map((m) => [m.name, m.version, m.token_needed]));
    this.#section.hidden = !open.length;
    byId("choice", HTMLElement).hidden = open.length < 2;
    if (keys(open) === keys(this.#models)) return;
    const chosen = this.#models[this.#choose.selectedIndex];
    this.#models = open;
    this.#choose.replaceChildren(
      ...open.map(({ name, version }) => el("option", {}, `${name} ${version}`)),
    );
    const again = open.findIndex((m) => m.name === chosen?.name && m.version === chosen?.version);
    this.#choose.selectedIndex = Math.max(0, again);
    this.#write();
  }

  #write() {
    const model = this.#models[this.#choose.selectedIndex];
    if (!model) return;
    say(byId("page", HTMLElement), pageProgram(model));
    say(byId("python", HTMLElement), pythonProgram(model));
  }
}

/** @param {Model} model */
function pageProgram({ name, version, token_needed: needed }) {
  const token = needed ? `,\n  authToken: "YOUR TOKEN"` : "";
  return `<script type="module">
import { Syft } from "./syft-web.js";

const syft = new Syft({ url: ${text(gridAddress())} });
const job = syft.newJob({
  modelName: ${text(name)},
  modelVersion: ${text(version)}${token}
});
job.on("accepted", ({ model }) => {
  // yourData: a DataLoader over the person's own data
  const training = job.train("training_plan", { data: yourData });
  training.on("end", async () => {
    await job.report(
      await model.createSerializedDiffFromModel(training.currentModel)
    );
  });
});
job.on("rejected", ({ timeout }) => console.log("again in", timeout, "s"));
job.on("error", (error) => console.error(error));
job.start();
</script>`;
}

/** @param {Model} model */
function pythonProgram({ name, version, token_needed: needed }) {
  const token = needed ? `, auth_token="YOUR TOKEN"` : "";
  return `# pip install "syft_web[native]"
from syft_web import Rejected, Syft


async def take_part(your_data):
    """your_data: a syft_web.data.DataLoader."""
    async with Syft(${text(gridAddress())}) as syft:
        job = syft.new_job(${text(name)}, ${text(version)}${token})
        answer = await job.request()
        if isinstance(answer, Rejected):
            return answer.timeout  # seconds to wait
        trainer = job.train("training_plan", data=your_data)
        await trainer.start()
        await job.report(
            job.model.create_serialized_diff_from_model(
                trainer.current_model
            )
        )`;
}

/** A text as JavaScript and Python write it; it cannot end a script. @param {string} value */
function text(value) {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** @param {HTMLButtonElement} button */
async function copy(button) {
  const source = byId(button.dataset.copies ?? "", HTMLElement);
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    // Pages that came over plain HTTP have no clipboard: the text is selected for the person.
    getSelection()?.selectAllChildren(source);
    button.textContent = "Selected: copy it with your keyboard";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 3000);
}
