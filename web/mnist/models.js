// @ts-check
/** The choice between the models that the page was told of. */

import { get, make } from "../common/elements.js";

/** What people call the models of the demo. @type {Record<string, [name: string, about: string]>} */
const known = {
  mnist: ["Perceptron", "two dense layers, quick"],
  mnist_conv: ["Convolutional network", "looks at strokes, reads better"],
  mnist_mlp: ["Perceptron from PyTorch", "written as a torch module"],
  mnist_cnn: ["Convolutional network from PyTorch", "batch norm, dropout, Adam"],
};

/**
 * Shows a choice that fills in the field of the model's name.
 *
 * @param {string} names With commas between them; one or none offers nothing.
 * @param {HTMLInputElement} field
 * @param {() => boolean} busy Whether the field cannot be changed now.
 */
export function offerModels(names, field, busy) {
  const offered = names.split(",").filter(Boolean);
  if (offered.length < 2) return;
  get("models").hidden = false;
  const buttons = offered.map((name) => {
    const [title, about] = known[name] ?? [name, ""];
    const label = make("label");
    const button = document.createElement("input");
    button.type = "radio";
    button.name = "choice";
    button.value = name;
    button.addEventListener("change", () => {
      if (!busy()) field.value = name;
      mark();
    });
    const words = make("span");
    words.append(make("strong", title), make("small", about));
    label.append(button, words);
    get("model-choice").append(label);
    return button;
  });
  const mark = () => buttons.forEach((button) => (button.checked = button.value === field.value));
  field.addEventListener("input", mark);
  mark();
}
