// Cycle after cycle, and nothing is disposed of. Two and a half megabytes go to the worker in each.
async ([base, url, count]) => {
  const { Syft, ArrayDataset, DataLoader, tensor, sharedRuntime } = await import(
    `${base}/syft-web.js`
  );
  window.runtime = sharedRuntime();
  window.syft ??= new Syft({ url });
  for (let cycle = 0; cycle < count; cycle++) {
    const job = window.syft.newJob({ modelName: "small" });
    const { model, error } = await job.request();
    if (error) throw error;
    const rows = 32768;
    const dataset = new ArrayDataset([
      { data: new Float32Array(rows * 8).fill(0.5), shape: [rows, 8] },
      { data: new Float32Array(rows * 2).fill(1), shape: [rows, 2] },
    ]);
    const training = job.train("training_plan", {
      data: new DataLoader({ dataset, batchSize: rows / 2 }),
    });
    await new Promise((resolve, reject) => training.on("end", resolve).on("error", reject));
    const x = tensor(new Float32Array(rows * 8), [rows, 8]);
    const y = tensor(new Float32Array(rows * 2), [rows, 2]);
    const plan = job.plans.training_plan;
    const outputs = await plan.execute(job.worker, x, y, rows, 0.1, ...model.params);
    await model.params[0].clone().data();
    await training.createCheckpoint().ready;
    const diff = await model.createSerializedDiff([outputs[2]]);
    await job.report(diff, { numSamples: rows });
  }
};
