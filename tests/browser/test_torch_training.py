"""A PyTorch model, captured as a plan, trains in a page as it trains in PyTorch itself."""

from __future__ import annotations

import numpy as np
import pytest

from examples.mnist.data import load
from syft_web.author import host_training
from syft_web.author.torch import model_state, training_plan

torch = pytest.importorskip("torch")

STEPS, BATCH, LR = 50, 64, 0.1

# Trains without specs: the plan says what it takes. The images stay in the order of the file.
TRAIN = """async ([base, url]) => {
  const { Syft, data } = await import(base + "/syft-web.js");
  const rows = 3200;
  const bytes = async (name, skip, count) => {
    const reply = await fetch(`${base}/data/mnist/${name}`);
    return new Uint8Array(await reply.arrayBuffer()).slice(skip, skip + count);
  };
  const images = await bytes("train-images-idx3-ubyte", 16, rows * 784);
  const labels = await bytes("train-labels-idx1-ubyte", 8, rows);
  const dataset = new data.ArrayDataset([
    { data: images, shape: [rows, 784], divide: 255 },
    { data: labels, oneHot: 10 },
  ]);
  const syft = new Syft({ url });
  const job = syft.newJob({ modelName: "captured", modelVersion: "1.0" });
  const losses = [];
  await new Promise((resolve, reject) => {
    job.on("error", reject);
    job.on("rejected", () => reject(new Error("rejected")));
    job.on("accepted", async ({ model, clientConfig }) => {
      const batchSize = clientConfig.batch_size;
      const loader = new data.DataLoader({ dataset, batchSize, shuffle: false });
      const trainer = job.train("training_plan", { data: loader });
      trainer.on("batchEnd", ({ loss }) => losses.push(loss));
      trainer.on("error", reject);
      trainer.on("end", async () => {
        await job.report(await model.createSerializedDiffFromModel(trainer.currentModel));
        resolve();
      });
    });
    job.start();
  });
  const signature = job.plans.training_plan.signature;
  await syft.close();
  return [losses, signature.inputs.map(({ kind }) => kind)];
}"""


def eager(model, optimizer, loss_fn, batches) -> list[float]:
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_fn(model(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.timeout(240)
@pytest.mark.parametrize("network", ["mlp", "cnn"])
async def test_the_loss_curve_is_that_of_torch(page, site, site_url, grid, network):
    nn = torch.nn
    torch.manual_seed(3)
    if network == "mlp":
        model = nn.Sequential(nn.Linear(784, 392), nn.ReLU(), nn.Linear(392, 10))
    else:
        model = nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 6, 5, stride=2),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(216, 10),
        )
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.5)
    loss_fn = nn.CrossEntropyLoss()
    example = torch.zeros(4, 784), torch.zeros(4, 10)
    plan = training_plan(model, loss_fn, optimizer, *example)
    await host_training(
        grid.ws_url,
        "captured",
        "1.0",
        model_state(model),
        {"training_plan": plan},
        {"batch_size": BATCH, "lr": LR, "max_updates": STEPS},
        {"num_cycles": 1, "cycle_length": 600, "min_diffs": 1, "max_diffs": 1},
    )
    await page.goto(f"{site_url}/")
    losses, kinds = await page.evaluate(TRAIN, [site_url, grid.ws_url])
    assert kinds[:3] == ["data", "target", "client_config"]

    images = load(site / "data" / "mnist")
    batches = [images.take(np.arange(i * BATCH, (i + 1) * BATCH)) for i in range(STEPS)]
    model.train()
    expected = eager(model, optimizer, loss_fn, batches)
    assert expected[-1] < expected[0] / 2
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-4)
