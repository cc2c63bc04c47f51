// One training in one go, and the same stopped in its second epoch and gone on with.
async (url) => {
  const { Syft, PlanTrainerCheckpoint, data, Dataset } = sw;
  class Rows extends data.Dataset {
    get length() { return 18; }
    async getItem(i) {
      const x = Float32Array.from({ length: 8 }, (_, j) => Math.sin(i + j));
      return { x, y: [i % 3, 1].reduce((y, v, k) => (y[k] = v, y), new Float32Array(2)) };
    }
  }
  const syft = new Syft({ url });
  const job = syft.newJob({ modelName: "stopping" });
  await job.request();
  const { PlanInputSpec: I, PlanOutputSpec: O } = sw;
  const inputs = [new I(I.TYPE_DATA, "x"), new I(I.TYPE_DATA, "y"), new I(I.TYPE_BATCH_SIZE),
    new I(I.TYPE_CLIENT_CONFIG_PARAM, "lr"), new I(I.TYPE_MODEL_PARAM, null, 0)];
  const outputs = [new O(O.TYPE_LOSS), new O(O.TYPE_METRIC, "worst"), new O(O.TYPE_MODEL_PARAM, null, 0)];
  const options = () => ({ inputs, outputs,
    data: new data.DataLoader({ dataset: new Rows(), batchSize: 4, seed: 7 }) });
  const end = (trainer) => new Promise((resolve, reject) => {
    trainer.on("end", resolve).on("error", reject);
  });
  const result = (trainer) => trainer.currentModel.params[0].array();

  const whole = job.train("training_plan", options());
  await end(whole);

  // Stopped in the second epoch: gone on with, taken back to, and taken over by another.
  const halted = job.train("training_plan", options());
  const stopped = new Promise((resolve) => halted.on("batchEnd", ({ epoch, batch }) => {
    if (epoch === 1 && batch === 2) halted.stop().then(resolve);
  }));
  const checkpoint = await stopped;
  await halted.resume();
  const json = await checkpoint.toJSON();
  const resumed = await result(halted);
  await halted.applyCheckpoint(checkpoint);
  const back = [halted.epoch, halted.batchIdx, halted.stopped];
  await halted.resume();
  const again = await result(halted);
  const loaded = await PlanTrainerCheckpoint.fromJSON(syft, JSON.parse(JSON.stringify(json))).ready;
  const other = job.train("training_plan", { ...options(), checkpoint: loaded });
  await end(other);
  const early = job.train("training_plan", options());
  const before = await early.stop();
  const now = halted.createCheckpoint();
  await now.ready;
  const told = {
    same: [resumed, again, await result(other)].map((made) => JSON.stringify(made)),
    whole: JSON.stringify(await result(whole)), back,
    at: [checkpoint.epoch, checkpoint.batch, before.epoch, before.batch, now.epoch],
    shape: loaded.currentModel.params[0].shape,
  };
  await syft.close();
  return told;
};
