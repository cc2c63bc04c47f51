// Executes plans with the original syft.js and writes what they give, as JSON.
// Usage: node run_plans.js TASK.json RESULT.json   (NODE_PATH holds @openmined/syft.js and tfjs-core)
//
// The task: {model, plans: [{name, plan, args}]}, protobuf as base64, args as numbers or
// {shape, data}. The grid is stood in for by an object that hands these out.

const fs = require("fs");
const tf = require("@tensorflow/tfjs-core");
const { Syft } = require("@openmined/syft.js");

const bytes = (base64) => new Uint8Array(Buffer.from(base64, "base64")).buffer;
const tensor = (arg) => (typeof arg === "number" ? arg : tf.tensor(arg.data, arg.shape));

async function run(model, { plan, args }) {
  const syft = new Syft({ url: "http://grid.invalid", verbose: false });
  const grid = {
    authenticate: async () => ({ status: "success", worker_id: "worker" }),
    requestCycle: async () => ({
      status: "accepted",
      request_key: "key",
      model_id: 1,
      plans: { plan: 1 },
      protocols: {},
      client_config: {},
    }),
    getModel: async () => bytes(model),
    getPlan: async () => bytes(plan),
  };
  syft.gridClient = grid;
  const job = await syft.newJob({ modelName: "model", modelVersion: "1" });
  job.grid = grid;
  const failure = [];
  job.on("error", (error) => failure.push(error));
  await job.start();
  if (failure.length) throw failure[0];
  const results = await job.plans.plan.execute(syft, ...args.map(tensor));
  return results.map((r) => ({ shape: r.shape, data: Array.from(r.dataSync()) }));
}

(async () => {
  const { model, plans } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const results = {};
  for (const each of plans) {
    results[each.name] = await run(model, each).catch((error) => String(error));
  }
  fs.writeFileSync(process.argv[3], JSON.stringify(results));
})();
