// A curve over the checkpoints, as SVG. It can be read with the pointer, and by its label.

import { el, say, svg } from "./elements.js";
import { digits } from "./words.js";

/** @import { Point } from "./words.js" */

const WIDTH = 340;
const HEIGHT = 150;
const LEFT = 52;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 24;
const MOST_DOTS = 30;

/**
 * A figure with a title, the newest value and the curve.
 *
 * @param {string} name What is drawn, e.g. "loss".
 * @param {Point[]} points At least one.
 */
export function chart(name, points) {
  const title = name[0].toUpperCase() + name.slice(1);
  const [, newest] = points[points.length - 1];
  const value = el("span", {}, digits(newest));
  const picture = draw(`${title}: ${inWords(points)}`, points);
  watchPointer(picture, points, (point) => {
    say(value, point ? `checkpoint ${point[0]}: ${digits(point[1])}` : digits(newest));
  });
  const caption = el("figcaption", {}, el("span", {}, title), value);
  return el("figure", { class: "chart" }, caption, picture);
}

/** @param {Point[]} points */
function inWords(points) {
  const [first, last] = [points[0], points[points.length - 1]];
  if (points.length === 1) return `${digits(last[1])} at checkpoint ${last[0]}`;
  const values = points.map((point) => point[1]);
  return (
    `from ${digits(first[1])} at checkpoint ${first[0]} to ${digits(last[1])} at checkpoint ` +
    `${last[0]}; lowest ${digits(Math.min(...values))}, highest ${digits(Math.max(...values))}`
  );
}

/** @param {string} label @param {Point[]} points */
function draw(label, points) {
  const place = scale(points);
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  const picture = svg("svg", { viewBox, role: "img", "aria-label": label });
  for (const level of place.levels) {
    const y = place.y(level);
    picture.append(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }),
      svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, digits(level)),
    );
  }
  const ends = points.length === 1 ? points : [points[0], points[points.length - 1]];
  const below = { y: HEIGHT - 6, "text-anchor": "middle" };
  for (const [number] of ends) {
    picture.append(svg("text", { x: place.x(number), ...below }, String(number)));
  }
  picture.append(svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, ...below }, "checkpoint"));
  const line = points.map(([number, value]) => `${place.x(number)},${place.y(value)}`).join(" ");
  picture.append(svg("polyline", { class: "curve", points: line }));
  if (points.length <= MOST_DOTS) {
    for (const [number, value] of points) {
      const [cx, cy] = [place.x(number), place.y(value)];
      picture.append(svg("circle", { class: "dot", cx, cy, r: 2.5 }));
    }
  }
  return picture;
}

/**
 * Where numbers are drawn, and the three values that have a line across.
 *
 * @param {Point[]} points
 */
function scale(points) {
  const values = points.map((point) => point[1]);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) [low, high] = [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const span = last - first;
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  return {
    levels: [low, (low + high) / 2, high],
    /** @param {number} number */
    x: (number) =>
      span === 0 ? middle - 60 : LEFT + 8 + ((number - first) / span) * (WIDTH - RIGHT - LEFT - 16),
    /** @param {number} value */
    y: (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM),
  };
}

/**
 * Tell which point is nearest to the pointer, and null when it has left.
 *
 * @param {SVGSVGElement} picture
 * @param {Point[]} points
 * @param {(point: Point | null) => void} tell
 */
function watchPointer(picture, points, tell) {
  const place = scale(points);
  const mark = svg("circle", { class: "mark", r: 4, visibility: "hidden" });
  picture.append(mark);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const distance = (/** @type {Point} */ point) => Math.abs(place.x(point[0]) - x);
    const near = points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
    mark.setAttribute("cx", String(place.x(near[0])));
    mark.setAttribute("cy", String(place.y(near[1])));
    mark.setAttribute("visibility", "visible");
    tell(near);
  });
  picture.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    tell(null);
  });
}
