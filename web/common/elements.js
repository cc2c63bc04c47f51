// @ts-check
/** Finding and making elements of a page. */

/**
 * The element with this id.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function get(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return /** @type {T} */ (found);
}

/**
 * A new element with a text and, if given, a class.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} [text]
 * @param {string} [kind]
 */
export function make(name, text = "", kind = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/**
 * A row of a table; the first cell is its heading where `heading` says so.
 *
 * @param {[text: string, kind?: string][]} cells
 * @param {boolean} [heading]
 */
export function row(cells, heading = false) {
  const made = document.createElement("tr");
  cells.forEach(([text, kind], i) => {
    const cell = made.appendChild(make(heading && i === 0 ? "th" : "td", text, kind));
    if (cell.tagName === "TH") cell.setAttribute("scope", "row");
  });
  return made;
}
