// @ts-check
/**
 * The person's guards: when a page should not train just now.
 *
 * All are on by default. While one of them speaks up, `job.start()` waits with joining a cycle,
 * and a training pauses before its next batch; both go on by themselves.
 *
 * ```js
 * import { Guards, Syft } from "./syft-web.js";
 *
 * const guards = new Guards({ hidden: false });       // goes on in a tab that is not looked at
 * guards.on("change", ({ reasons }) => show(reasons.map(({ text }) => text)));
 * const syft = new Syft({ url, guards });             // `guards: false` asks for none
 * button.onclick = () => guards.allow("battery");     // "Train anyway"
 * ```
 */
import { Emitter } from "./emitter.js";

/** @typedef {"hidden" | "battery" | "saveData" | "metered"} GuardName */
/** @typedef {{name: GuardName, text: string}} Reason `text` says it in words for a person. */
/** @typedef {() => boolean | Promise<boolean>} Probe Whether there is reason to wait. */

/** @type {Record<GuardName, string>} */
const words = {
  hidden: "Waiting: this page is in the background. Training goes on when you come back to it.",
  battery: "Waiting: the battery is low. Training goes on when the device is plugged in.",
  saveData: "Waiting: the browser's data saver is on, and training sends and fetches data.",
  metered: "Waiting: this seems to be a mobile connection, which may cost money by the byte.",
};

/** Part of a full battery that is low. */
const lowBattery = 0.2;

/** @type {any} What not every browser has. */
const device = globalThis.navigator;

/** @type {Promise<any> | null} */
let battery = null;

function theBattery() {
  battery ??= Promise.resolve(device.getBattery?.() ?? null).catch(() => null);
  return battery;
}

/** @type {Record<GuardName, Probe>} */
const probes = {
  hidden: () => globalThis.document?.visibilityState === "hidden",
  battery: async () => {
    const power = await theBattery();
    return power !== null && !power.charging && power.level <= lowBattery;
  },
  saveData: () => device.connection?.saveData === true,
  metered: () => device.connection?.type === "cellular",
};

/**
 * Watches for reasons to wait.
 *
 * Events: `change` with `{reasons}` whenever they have changed.
 */
export class Guards extends Emitter {
  /**
   * @param {Partial<Record<GuardName, boolean | Probe>>} [options] False switches a guard off; a
   *   function is asked in place of the browser, and again at every `check()`.
   */
  constructor(options = {}) {
    super();
    /** @type {Reason[]} Why to wait; empty when nothing speaks against training. */
    this.reasons = [];
    /** @type {Map<GuardName, Probe>} */
    this._probes = new Map();
    for (const name of /** @type {GuardName[]} */ (Object.keys(probes))) {
      const given = options[name] ?? true;
      if (given) this._probes.set(name, given === true ? probes[name] : given);
    }
    this._check = () => void this.check();
    this._checks = 0;
    globalThis.document?.addEventListener("visibilitychange", this._check);
    device.connection?.addEventListener?.("change", this._check);
    void theBattery().then((power) => {
      for (const event of ["levelchange", "chargingchange"]) {
        power?.addEventListener(event, this._check);
      }
    });
    /** Resolves when the guards have looked for the first time. */
    this.ready = this.check();
  }

  /** Looks again; `change` tells when something is different. */
  async check() {
    const turn = ++this._checks;
    /** @type {Reason[]} */
    const found = [];
    for (const [name, probe] of [...this._probes]) {
      if ((await probe()) && this._probes.has(name)) found.push({ name, text: words[name] });
    }
    // A later look has seen more than this one.
    if (turn !== this._checks) return;
    const before = this.reasons.map(({ name }) => name).join();
    this.reasons = found;
    if (before !== found.map(({ name }) => name).join()) this._emit("change", { reasons: found });
  }

  /**
   * Switches a guard off: the person has decided otherwise.
   *
   * @param {GuardName} name
   */
  async allow(name) {
    this._probes.delete(name);
    await this.check();
  }

  /** The reasons as one text; empty when there are none. */
  get text() {
    return this.reasons.map(({ text }) => text).join(" ");
  }

  /**
   * Resolves when nothing speaks against training.
   *
   * @param {(text: string) => void} [onWait] Told why, now and whenever that changes.
   * @param {AbortSignal} [signal] Ends the waiting; the promise resolves then, too.
   */
  async clear(onWait, signal) {
    await this.ready;
    while (this.reasons.length && !signal?.aborted) {
      onWait?.(this.text);
      await new Promise((resolve) => {
        const done = () => {
          this.off("change", done);
          signal?.removeEventListener("abort", done);
          resolve(undefined);
        };
        this.on("change", done);
        signal?.addEventListener("abort", done);
      });
    }
  }
}

/** @type {Guards | null} */
let shared = null;

/** The guards of this page: all of them on. */
export function sharedGuards() {
  shared ??= new Guards();
  return shared;
}
