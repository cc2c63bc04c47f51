// @ts-check
/** Thompson sampling: a version is shown as often as it is probably the best. */

/**
 * @typedef {object} Counts The model: for each version a number of likes and of dislikes, from 1.
 * @property {ArrayLike<number>} alphas
 * @property {ArrayLike<number>} betas
 */

/**
 * A function that chooses a version for the next visitor.
 *
 * @param {Counts} counts
 * @param {() => number} [random] Numbers from 0 to 1.
 */
export function chooser({ alphas, betas }, random = Math.random) {
  return () => {
    let [best, most] = [0, -1];
    for (let i = 0; i < alphas.length; i += 1) {
      const drawn = beta(alphas[i], betas[i], random);
      if (drawn > most) [best, most] = [i, drawn];
    }
    return best;
  };
}

/**
 * How often each version would be chosen, from many tries.
 *
 * @param {Counts} counts
 * @param {number} [tries]
 */
export function chances(counts, tries = 2000) {
  const choose = chooser(counts);
  const times = Array.from({ length: counts.alphas.length }, () => 0);
  for (let n = 0; n < tries; n += 1) times[choose()] += 1;
  return times.map((many) => many / tries);
}

/**
 * Where the rate of likes lies: its mean, and how far it may be off (two standard deviations).
 *
 * @param {number} a
 * @param {number} b
 */
export function rate(a, b) {
  const mean = a / (a + b);
  return { mean, off: 2 * Math.sqrt((mean * (1 - mean)) / (a + b + 1)) };
}

/**
 * A number from the Beta distribution, as a share of two Gamma ones.
 *
 * @param {number} a
 * @param {number} b
 * @param {() => number} random
 */
function beta(a, b, random) {
  const x = gamma(Math.max(a, 1e-3), random);
  return x / (x + gamma(Math.max(b, 1e-3), random));
}

/**
 * A number from the Gamma distribution: a cube of a normal one, taken or drawn anew, as Marsaglia
 * and Tsang found.
 *
 * @param {number} shape
 * @param {() => number} random
 * @returns {number}
 */
function gamma(shape, random) {
  if (shape < 1) return gamma(shape + 1, random) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** @param {() => number} random */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
