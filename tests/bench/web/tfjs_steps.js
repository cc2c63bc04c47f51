// The training steps of tests/bench/models.py for TensorFlow.js, written as its users write
// them: the forward pass and the loss, gradients by tf.variableGrads, plain gradient descent.
// The perceptron is written out, forward and backward, as the plans of syft.js are: that is
// the faster way. Names of the parameters are torch's, their layouts TensorFlow's: with torch's
// its matrix products take up to twice as long.

/* global tf */

/** Mean cross entropy of logits (B, 10) and one-hot labels. */
function crossEntropy(logits, onehot) {
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), onehot), -1)));
}

/** x (B, in) times a weight (in, out), plus a bias. */
function linear(x, p, name) {
  return tf.add(tf.matMul(x, p[`${name}.weight`]), p[`${name}.bias`]);
}

/** The same for x (B, T, in). */
function linear3(x, p, name) {
  const [batch, length, width] = x.shape;
  const flat = linear(tf.reshape(x, [batch * length, width]), p, name);
  return tf.reshape(flat, [batch, length, flat.shape[1]]);
}

/** x (B, H, W, C); the weight was turned to (H, W, in, out) when it was loaded. */
function conv(x, p, name, stride = 1, padding = "same") {
  return tf.conv2d(x, p[`${name}.weight`], stride, padding);
}

function layerNorm(x, p, name) {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, p[`${name}.weight`]), p[`${name}.bias`]);
}

/** Normalizes by the batch, and notes the moving averages for after the step. */
function batchNorm(x, p, name, moving) {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const count = x.shape[0] * x.shape[1] * x.shape[2];
  moving.push([`${name}.running_mean`, tf.keep(mean.clone())]);
  moving.push([`${name}.running_var`, tf.keep(tf.mul(variance, count / (count - 1)))]);
  const scale = tf.mul(tf.rsqrt(tf.add(variance, 1e-5)), p[`${name}.weight`]);
  return tf.add(tf.mul(tf.sub(x, mean), scale), p[`${name}.bias`]);
}

function lenet(x, p) {
  let h = tf.relu(tf.add(conv(x, p, "conv1"), p["conv1.bias"]));
  h = tf.maxPool(h, 2, 2, "valid");
  h = tf.relu(tf.add(conv(h, p, "conv2", 1, "valid"), p["conv2.bias"]));
  h = tf.maxPool(h, 2, 2, "valid");
  // torch flattens channels first.
  h = tf.reshape(tf.transpose(h, [0, 3, 1, 2]), [x.shape[0], 400]);
  h = tf.relu(linear(h, p, "fc1"));
  return linear(tf.relu(linear(h, p, "fc2")), p, "fc3");
}

function resnet(x, p, moving) {
  const norm = (h, name) => batchNorm(h, p, name, moving);
  // torch pads both sides of an image that is halved, "same" only one.
  const halved = (h, name) => conv(tf.pad(h, [[0, 0], [1, 1], [1, 1], [0, 0]]), p, name, 2, "valid");
  let h = tf.relu(norm(conv(x, p, "conv0"), "bn0"));
  const first = tf.relu(norm(conv(h, p, "conv1"), "bn1"));
  h = tf.relu(tf.add(h, norm(conv(first, p, "conv2"), "bn2")));
  const inner = tf.relu(norm(halved(h, "conv3"), "bn3"));
  const short = norm(conv(h, p, "conv5", 2, "valid"), "bn5");
  h = tf.relu(tf.add(short, norm(conv(inner, p, "conv4"), "bn4")));
  return linear(tf.mean(h, [1, 2]), p, "fc");
}

function encoder(x, p) {
  const [batch, length, width] = x.shape;
  const parts = tf.reshape(linear3(layerNorm(x, p, "norm1"), p, "qkv"), [batch, length, 3, 4, 16]);
  const [q, k, v] = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]));
  const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 0.25));
  const seen = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [batch, length, width]);
  let h = tf.add(x, linear3(seen, p, "out"));
  h = tf.add(h, linear3(tf.relu(linear3(layerNorm(h, p, "norm2"), p, "ff1")), p, "ff2"));
  return linear(tf.mean(h, 1), p, "head");
}

function lstm(x, p) {
  const [batch, length] = x.shape;
  const units = 64;
  let h = tf.zeros([batch, units]);
  let c = tf.zeros([batch, units]);
  const bias = tf.add(p["lstm.bias_ih_l0"], p["lstm.bias_hh_l0"]);
  for (let t = 0; t < length; t++) {
    const now = tf.squeeze(tf.slice(x, [0, t, 0], [batch, 1, x.shape[2]]), [1]);
    const gates = tf.add(
      tf.add(
        tf.matMul(now, p["lstm.weight_ih_l0"]),
        tf.matMul(h, p["lstm.weight_hh_l0"]),
      ),
      bias,
    );
    const [i, f, g, o] = tf.split(gates, 4, 1);
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
  }
  return linear(h, p, "fc");
}

const MODELS = { lenet, resnet, encoder, lstm };

/** One step of the perceptron, with its gradients written out. */
function perceptron(x, onehot, p, lr) {
  const batch = x.shape[0];
  const w2 = p["fc2.weight"];
  const z1 = linear(x, p, "fc1");
  const h1 = tf.relu(z1);
  const logP = tf.logSoftmax(linear(h1, p, "fc2"));
  const loss = tf.neg(tf.div(tf.sum(tf.mul(onehot, logP)), batch));
  const dZ2 = tf.div(tf.sub(tf.exp(logP), onehot), batch);
  const dZ1 = tf.mul(tf.matMul(dZ2, w2, false, true), tf.cast(tf.greater(z1, 0), "float32"));
  const gradients = {
    "fc1.weight": tf.matMul(x, dZ1, true, false),
    "fc1.bias": tf.sum(dZ1, 0),
    "fc2.weight": tf.matMul(h1, dZ2, true, false),
    "fc2.bias": tf.sum(dZ2, 0),
  };
  for (const [name, gradient] of Object.entries(gradients)) {
    p[name].assign(tf.sub(p[name], tf.mul(gradient, lr)));
  }
  return tf.keep(loss);
}

/** Gradients by TensorFlow.js itself. */
function differentiated(model, x, onehot, p, lr) {
  const moving = [];
  const loss = tf.tidy(() => {
    const trained = Object.values(p).filter((v) => v.trainable);
    const { value, grads } = tf.variableGrads(() => {
      return crossEntropy(model(x, p, moving), onehot);
    }, trained);
    for (const v of trained) v.assign(tf.sub(v, tf.mul(grads[v.name], lr)));
    for (const [name, now] of moving) {
      p[name].assign(tf.add(tf.mul(p[name], 0.9), tf.mul(now, 0.1)));
    }
    return tf.keep(value);
  });
  for (const [, now] of moving) now.dispose();
  return loss;
}

/** torch's layout of a tensor as TensorFlow.js wants it. */
function turned(name, tensor) {
  if (name === "x") return tensor.rank === 4 ? tf.transpose(tensor, [0, 2, 3, 1]) : tensor;
  if (!name.includes("weight")) return tensor;
  if (tensor.rank === 4) return tf.transpose(tensor, [2, 3, 1, 0]);
  return tensor.rank === 2 ? tf.transpose(tensor) : tensor;
}

let made = 0;

/** Training steps of a case on one backend. */
export class TfjsSteps {
  constructor(about, arrays) {
    this.about = about;
    this.parameters = {};
    const given = {};
    for (const [name, { data, shape }] of Object.entries(arrays)) {
      const tensor = tf.tidy(() => turned(name, tf.tensor(data, shape)));
      if (name === "x" || name === "onehot") {
        given[name] = tensor;
      } else if (name !== "y" && !name.endsWith("num_batches_tracked")) {
        const trained = !name.includes(".running_");
        this.parameters[name] = tf.variable(tensor, trained, `${name}#${made++}`);
        tensor.dispose();
      }
    }
    this.x = given.x;
    this.onehot = given.onehot;
  }

  /** One step; gives the loss as a tensor, which need not be computed yet. */
  step() {
    const { kind, lr } = this.about;
    const { x, onehot, parameters } = this;
    if (kind === "mlp") return tf.tidy(() => perceptron(x, onehot, parameters, lr));
    return differentiated(MODELS[kind], x, onehot, parameters, lr);
  }

  async losses(count) {
    const found = [];
    for (let i = 0; i < count; i++) {
      const loss = this.step();
      found.push((await loss.data())[0]);
      loss.dispose();
    }
    return found;
  }

  /** Seconds of one step, on the average of some; the last loss is read, so all are done. */
  async time(count) {
    const start = performance.now();
    let loss = null;
    for (let i = 0; i < count; i++) {
      loss?.dispose();
      loss = this.step();
    }
    await loss.data();
    const seconds = (performance.now() - start) / 1000 / count;
    loss.dispose();
    return seconds;
  }
}

/** Load TensorFlow.js with its cpu, webgl and wasm backends. */
export async function loadTfjs() {
  for (const path of ["tfjs/dist/tf", "tfjs-backend-wasm/dist/tf-backend-wasm"]) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `/npm/@tensorflow/${path}.es2017.min.js`;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`cannot load ${path}`));
      document.head.append(script);
    });
  }
  tf.wasm.setWasmPaths("/npm/@tensorflow/tfjs-backend-wasm/dist/");
  tf.enableProdMode();
  return "";
}
