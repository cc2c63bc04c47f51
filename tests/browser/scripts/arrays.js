// Training with arrays of the page, then with a dataset that fails.
async (url) => {
  const { Syft, data } = sw;
  const syft = new Syft({ url, peerConfig: {} });
  const job = await syft.newJob({ modelName: "arrays", modelVersion: "1.0.0" });
  const { model } = await job.request();
  const x = Array.from({ length: 8 }, (_, i) => Array(8).fill(i / 8));
  const y = new Float32Array(16).fill(1);
  const losses = [];
  const training = job.train("training_plan", { data: x, target: sw.tensor(y, [8, 2]), batchSize: 4,
    events: { batchEnd: ({ loss }) => losses.push(loss) } });
  await new Promise((resolve, reject) => training.on("end", resolve).on("error", reject));

  class Broken extends data.Dataset {
    get length() { return 4; }
    getItem() { throw new Error("no such drawer"); }
  }
  const failing = job.train("training_plan", { data: new Broken(), batchSize: 2 });
  const error = await new Promise((resolve) => failing.on("error", resolve));

  const diff = await model.createSerializedDiff(await Promise.all(
    training.currentModel.params.map((param) => param.array())));
  const same = await model.createSerializedDiffFromModel(training.currentModel);
  const state = await model.toProtobuf();
  await job.report(diff, { numSamples: 8, metrics: { loss: losses[1] } });
  await syft.close();
  return { losses, error: [error.code, error.message], sizes: [diff, same, state].map((b) => b.byteLength) };
};
