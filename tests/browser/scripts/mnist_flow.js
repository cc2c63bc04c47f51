// What the MNIST example of syft.js does, in one function: a dataset of one's own with transforms,
// a loader, training with specs, stopped in its middle, kept as JSON, gone on with after that.
async ([base, url, samples]) => {
  const { Syft, PlanInputSpec, PlanOutputSpec, PlanTrainerCheckpoint, data } = await import(
    `${base}/syft-web.js`
  );

  class MnistDataset extends data.Dataset {
    constructor({ transform }) {
      super();
      this.transform = transform;
    }

    async load() {
      const read = async (name, from) => {
        const response = await fetch(`${base}/data/mnist/${name}`);
        return new Uint8Array(await response.arrayBuffer(), from);
      };
      this.images = await read("t10k-images-idx3-ubyte", 16);
      this.labels = await read("t10k-labels-idx1-ubyte", 8);
    }

    get length() {
      return samples;
    }

    getItem(index) {
      const image = this.images.slice(index * 784, (index + 1) * 784);
      return this.transform.apply(image, this.labels.slice(index, index + 1));
    }
  }

  const transform = new data.transform.core.Compose([
    new data.transform.tfjs.ToTensor({ type: "float32" }, { type: "int32" }),
    new data.transform.tfjs.Normalize({ mean: [0.1307 * 255], std: [0.3081 * 255] }),
    new data.transform.tfjs.OneHot(null, { depth: 10, squeeze: true }),
  ]);
  const dataset = new MnistDataset({ transform });
  await dataset.load();

  const params = ["W1", "b1", "W2", "b2"];
  const inputs = [
    new PlanInputSpec(PlanInputSpec.TYPE_DATA, null, 0),
    new PlanInputSpec(PlanInputSpec.TYPE_DATA, null, 1),
    new PlanInputSpec(PlanInputSpec.TYPE_BATCH_SIZE),
    new PlanInputSpec(PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM, "lr"),
    ...params.map((name, i) => new PlanInputSpec(PlanInputSpec.TYPE_MODEL_PARAM, name, i)),
  ];
  const outputs = [
    new PlanOutputSpec(PlanOutputSpec.TYPE_LOSS),
    new PlanOutputSpec(PlanOutputSpec.TYPE_METRIC, "accuracy"),
    ...params.map((name, i) => new PlanOutputSpec(PlanOutputSpec.TYPE_MODEL_PARAM, name, i)),
  ];

  const said = [];
  const losses = [];
  let stored;
  let training;
  const once = (emitter, event) => new Promise((resolve) => emitter.on(event, resolve));

  const worker = new Syft({ url, verbose: true });
  const job = worker.newJob({ modelName: "mnist", modelVersion: "1.0", authToken: null });
  job.request();
  const done = new Promise((resolve, reject) => {
    job.on("error", reject);
    job.on("rejected", ({ timeout }) => reject(new Error(`rejected, ${timeout}`)));
    job.on("accepted", async ({ clientConfig, model }) => {
      try {
        const loader = new data.DataLoader({ dataset, batchSize: clientConfig.batch_size });
        const train = (checkpoint) => {
          const trainer = job.train("training_plan", { checkpoint, inputs, outputs, data: loader });
          trainer.on("error", reject);
          trainer.on("start", () => said.push("start"));
          trainer.on("batchEnd", ({ epoch, batch, loss, metrics }) => {
            said.push(`${epoch}.${batch}`);
            losses.push([loss, metrics["accuracy"]]);
          });
          trainer.on("stop", () => said.push("stop"));
          return trainer;
        };

        // Stopped by a person, and gone on with.
        training = train(null);
        const stopped = new Promise((resolve) => {
          training.on("batchEnd", async ({ batch }) => batch === 1 && resolve(await training.stop()));
        });
        const checkpoint = await stopped;
        said.push([checkpoint instanceof PlanTrainerCheckpoint, training.stopped]);
        stored = JSON.stringify(await checkpoint.toJSON());

        // As after a reload: a new trainer, from the JSON.
        training = train(PlanTrainerCheckpoint.fromJSON(null, JSON.parse(stored)));
        await once(training, "end");
        said.push("end");
        const diff = await model.createSerializedDiffFromModel(training.currentModel);
        await job.report(diff);
        said.push("reported");
        resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
  await done;
  const { currentModelBase64, ...numbers } = JSON.parse(stored);
  await worker.close();
  return { said, losses, numbers, modelSize: currentModelBase64.length };
};
