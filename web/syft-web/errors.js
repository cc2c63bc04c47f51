// @ts-check
/** A failure, with the stable code of the Python error behind it. */
export class SyftError extends Error {
  /** @param {{code: string, message: string, where?: string}} failure */
  constructor({ code, message, where = "" }) {
    super(message);
    this.name = "SyftError";
    /** Stable and dotted, e.g. `"grid.unreachable"`; `"boot"` and `"worker"` are the shim's own. */
    this.code = code;
    /** The command and the step, asset or action that failed. */
    this.where = where;
  }
}
