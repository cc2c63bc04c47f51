// Runs the example of syft.js's README with a Syft that tells of its end; LOAD_DATA is the
// reader's own.
async ([code, withTf]) => {
  const { Syft, tensor } = window.sw;
  const make = withTf ? (rows) => tf.tensor(rows) : (rows) => tensor(rows);
  const LOAD_DATA = (size) => [0, 1, 2].map((batch) => [
    make(Array.from({ length: size }, (_, i) => Array.from({ length: 8 }, (_, j) => (batch + i * j) % 5 / 5))),
    make(Array.from({ length: size }, (_, i) => [i, batch])),
  ]);
  return await new Promise((resolve, reject) => {
    class Watched extends Syft {
      newJob(options) {
        const job = super.newJob(options);
        const report = job.report.bind(job);
        job.report = async (diff) => {
          await report(diff);
          resolve([diff.byteLength, job.clientConfig, this.authToken]);
        };
        job.on("error", reject);
        addEventListener("unhandledrejection", (event) => reject(event.reason), { once: true });
        return job;
      }
    }
    const AsyncFunction = (async () => {}).constructor;
    new AsyncFunction("Syft", "LOAD_DATA", code)(Watched, LOAD_DATA).catch(reject);
  });
};
