// The training steps of tests/bench/models.py for jax-js, where it has what they need. Every
// use of an array takes it away from its owner there, but for the last one: hence the `.ref`s.
// Matrices are (in, out), as jax has them.

let jax = null;

/** x (B, in) times a weight (in, out), plus a bias. */
function linear(x, p, name) {
  return jax.numpy.matmul(x, p[`${name}.weight`].ref).add(p[`${name}.bias`].ref);
}

function mlp(x, p) {
  return linear(jax.nn.relu(linear(x, p, "fc1")), p, "fc2");
}

/** x (B, C, H, W), every second row and column left out, the larger one kept. */
function halved(x) {
  const pooled = (h) => h.max([-1, -2]);
  return jax.lax.reduceWindow(x, pooled, [2, 2], [2, 2]);
}

function conv(x, p, name, padding) {
  const bias = p[`${name}.bias`].ref.reshape([1, -1, 1, 1]);
  return jax.lax.conv(x, p[`${name}.weight`].ref, [1, 1], padding).add(bias);
}

function lenet(x, p) {
  let h = halved(jax.nn.relu(conv(x, p, "conv1", "SAME")));
  h = halved(jax.nn.relu(conv(h, p, "conv2", "VALID")));
  h = jax.nn.relu(linear(h.reshape([-1, 400]), p, "fc1"));
  return linear(jax.nn.relu(linear(h, p, "fc2")), p, "fc3");
}

/** The same for x (B, T, in). */
function linear3(x, p, name) {
  const [batch, length, width] = x.shape;
  return linear(x.reshape([batch * length, width]), p, name).reshape([batch, length, -1]);
}

function norm(x, p, name) {
  const even = jax.nn.standardize(x, -1, { epsilon: 1e-5 });
  return even.mul(p[`${name}.weight`].ref).add(p[`${name}.bias`].ref);
}

function encoder(x, p) {
  const { numpy: np, nn } = jax;
  const [batch, length, width] = x.shape;
  const parts = linear3(norm(x.ref, p, "norm1"), p, "qkv")
    .reshape([batch, length, 3, 4, 16])
    .transpose([2, 0, 3, 1, 4]);
  const q = parts.ref.slice(0);
  const k = parts.ref.slice(1);
  const v = parts.slice(2);
  const weights = nn.softmax(np.matmul(q, k.transpose([0, 1, 3, 2])).mul(0.25), -1);
  const seen = np.matmul(weights, v).transpose([0, 2, 1, 3]).reshape([batch, length, width]);
  const h = x.add(linear3(seen, p, "out"));
  const inner = nn.relu(linear3(norm(h.ref, p, "norm2"), p, "ff1"));
  return linear(h.add(linear3(inner, p, "ff2")).mean(1), p, "head");
}

function lstm(x, p) {
  const { numpy: np, nn } = jax;
  const [batch, length] = x.shape;
  const weight = (name) => p[`lstm.${name}`].ref;
  let h = np.zeros([batch, 64]);
  let c = np.zeros([batch, 64]);
  for (let t = 0; t < length; t++) {
    const gates = np
      .matmul(x.ref.slice([], t), weight("weight_ih_l0"))
      .add(np.matmul(h, weight("weight_hh_l0")))
      .add(p["lstm.bias_ih_l0"].ref)
      .add(p["lstm.bias_hh_l0"].ref);
    const [i, f, g, o] = np.split(gates, 4, 1);
    c = nn.sigmoid(f).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)));
    h = nn.sigmoid(o).mul(np.tanh(c.ref));
  }
  c.dispose();
  x.dispose();
  return linear(h, p, "fc");
}

/** Normalizes x (B, C, H, W) by the batch, and notes its statistics. */
function batchNorm(x, p, name, noted) {
  const [batch, channels, height, width] = x.shape;
  const each = (v) => v.reshape([1, channels, 1, 1]);
  const mean = x.ref.mean([0, 2, 3]);
  const off = x.sub(each(mean.ref));
  const variance = off.ref.mul(off.ref).mean([0, 2, 3]);
  const count = batch * height * width;
  noted[`${name}.running_mean`] = mean;
  noted[`${name}.running_var`] = variance.ref.mul(count / (count - 1));
  const spread = jax.numpy.sqrt(variance.add(1e-5));
  const scale = p[`${name}.weight`].ref.div(spread);
  return off.mul(each(scale)).add(each(p[`${name}.bias`].ref));
}

function resnet(x, p, noted) {
  const { relu } = jax.nn;
  const both = (h, name, stride, pad) => {
    const convolved = jax.lax.conv(h, p[`conv${name}.weight`].ref, [stride, stride], [pad, pad]);
    return batchNorm(convolved, p, `bn${name}`, noted);
  };
  const [none, one] = [[0, 0], [1, 1]];
  let h = relu(both(x, 0, 1, one));
  h = relu(h.ref.add(both(relu(both(h, 1, 1, one)), 2, 1, one)));
  const inner = both(relu(both(h.ref, 3, 2, one)), 4, 1, one);
  h = relu(both(h, 5, 2, none).add(inner));
  return linear(h.mean([2, 3]), p, "fc");
}

const MODELS = { mlp, lenet, resnet, encoder, lstm };

/** Load jax-js on its wasm backend; gives why that cannot be done, else an empty text. */
export async function loadJax() {
  jax = await import("/npm/@jax-js/jax/dist/index.js");
  const devices = await jax.init("wasm");
  if (!devices.includes("wasm")) return "it has no wasm backend here";
  jax.defaultDevice("wasm");
  return "";
}

/** Training steps of a case. */
export class JaxSteps {
  constructor(about, arrays) {
    const model = MODELS[about.kind];
    const made = ({ data, shape }) => jax.numpy.array(data).reshape(shape);
    const turned = (array) => {
      if (array.shape.length !== 2) return made(array);
      const [rows, columns] = array.shape;
      const data = array.data.map((_, i) => {
        return array.data[(i % rows) * columns + Math.floor(i / rows)];
      });
      return made({ data, shape: [columns, rows] });
    };
    this.x = made(arrays.x);
    this.onehot = made(arrays.onehot);
    this.parameters = {};
    this.statistics = {};
    for (const name of Object.keys(arrays)) {
      if (/\.running_/.test(name)) this.statistics[name] = made(arrays[name]);
      else if (/\.(weight|bias)/.test(name)) this.parameters[name] = turned(arrays[name]);
    }
    const loss = (p, x, onehot) => {
      const noted = {};
      const logP = jax.nn.logSoftmax(model(x, p, noted));
      return [logP.mul(onehot).sum().mul(-1 / about.batch), noted];
    };
    this.run = jax.jit((p, statistics, x, onehot) => {
      const both = jax.valueAndGrad(loss, { hasAux: true });
      const [[value, noted], slope] = both(jax.tree.ref(p), x, onehot);
      const moved = {};
      for (const name of Object.keys(p)) moved[name] = p[name].sub(slope[name].mul(about.lr));
      const kept = {};
      for (const name of Object.keys(statistics)) {
        kept[name] = statistics[name].mul(0.9).add(noted[name].mul(0.1));
      }
      return [value, moved, kept];
    });
  }

  step() {
    const { parameters, statistics, x, onehot } = this;
    const [loss, moved, kept] = this.run(parameters, statistics, x.ref, onehot.ref);
    this.parameters = moved;
    this.statistics = kept;
    return loss;
  }

  async losses(count) {
    const found = [];
    for (let i = 0; i < count; i++) found.push((await this.step().data())[0]);
    return found;
  }

  /** Seconds of one step, on the average of some. */
  async time(count) {
    const start = performance.now();
    let loss = null;
    for (let i = 0; i < count; i++) {
      loss?.dispose();
      loss = this.step();
    }
    await loss.data();
    await jax.blockUntilReady(this.parameters);
    return (performance.now() - start) / 1000 / count;
  }
}
