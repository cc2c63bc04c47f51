// One job of the original client (@openmined/syft.js 0.1.4), told what to do by a JSON file.
//
// Usage: node client.js TASK.json
// Task: {url, model, version, x, y, batchSize, lr, steps, scalarShape, diff}; x and y are
// {shape, file} with float32 values; the diff is written to the file `diff`.
// Prints one line of JSON for everything that happens.
'use strict';

const fs = require('fs');

// What a browser has and this client uses without asking.
global.WebSocket = require('ws');
global.window = global;

const tf = require('@tensorflow/tfjs-core');
const { Syft } = require('@openmined/syft.js');

const task = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const report = event => process.stdout.write(JSON.stringify(event) + '\n');
console.log = (...words) => process.stderr.write(words.join(' ') + '\n');

function tensor({ shape, file }) {
  const bytes = fs.readFileSync(file);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return tf.tensor(values, shape);
}

function number(value) {
  return task.scalarShape ? tf.tensor([value], task.scalarShape) : tf.tensor(value);
}

async function train(job, model) {
  const plan = job.plans['training_plan'];
  const x = tensor(task.x);
  const y = tensor(task.y);
  let params = model.params;
  for (let step = 0; step < task.steps; step++) {
    const [loss, accuracy, ...updated] = await plan.execute(
      job.worker, x, y, number(task.batchSize), number(task.lr), ...params
    );
    params = updated;
    report({ event: 'step', loss: (await loss.data())[0], accuracy: (await accuracy.data())[0] });
  }
  const diff = await model.createSerializedDiff(params);
  fs.writeFileSync(task.diff, Buffer.from(diff));
  return diff;
}

async function main() {
  const client = new Syft({ url: task.url, verbose: true });
  const job = await client.newJob({ modelName: task.model, modelVersion: task.version });
  await new Promise((done, fail) => {
    job.on('accepted', async ({ model, clientConfig }) => {
      try {
        report({
          event: 'accepted',
          clientConfig,
          shapes: model.params.map(p => p.shape),
          plans: Object.keys(job.plans),
        });
        await job.report(await train(job, model));
        report({ event: 'reported' });
        done();
      } catch (error) {
        fail(error);
      }
    });
    job.on('rejected', ({ timeout }) => {
      report({ event: 'rejected', timeout: timeout === undefined ? null : timeout });
      done();
    });
    job.on('error', fail);
    job.start();
  });
}

main().then(
  () => process.exit(0),
  error => {
    report({ event: 'error', message: String(error && error.message ? error.message : error) });
    process.exit(1);
  }
);
