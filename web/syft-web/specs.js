// @ts-check
/** What a plan's input is filled from, in the order of the plan's inputs. */
export class PlanInputSpec {
  static TYPE_DATA = "data";
  static TYPE_TARGET = "target";
  static TYPE_BATCH_SIZE = "batchSize";
  static TYPE_CLIENT_CONFIG_PARAM = "clientConfigParam";
  static TYPE_VALUE = "value";
  static TYPE_MODEL_PARAM = "modelParam";

  /**
   * @param {string} type
   * @param {string | null} [name]
   * @param {number | null} [index]
   * @param {number | null} [value]
   */
  constructor(type, name = null, index = null, value = null) {
    this.type = type;
    this.name = name;
    this.index = index;
    this.value = value;
  }
}

/** What a plan's output is, in the order of the plan's outputs. */
export class PlanOutputSpec {
  static TYPE_LOSS = "loss";
  static TYPE_METRIC = "metric";
  static TYPE_MODEL_PARAM = "modelParam";

  /**
   * @param {string} type
   * @param {string | null} [name]
   * @param {number | null} [index]
   */
  constructor(type, name = null, index = null) {
    this.type = type;
    this.name = name;
    this.index = index;
  }
}

/**
 * Python knows no null beside undefined; absent is clear to both.
 *
 * @param {object} value
 */
export function withoutNulls(value) {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
}
