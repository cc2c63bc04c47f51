"""Nothing is lost in a real Chromium: reloads, a grid that dies, several tabs, guards.

The plan has dropout, momentum and shuffled data, so that a resumed training ends bit for bit
like an uninterrupted one only when all of that was kept.
"""

from __future__ import annotations

import asyncio
import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from examples.mnist.config import server_config
from syft_web.author.hosting import host_training
from tests.browser.page_driver import MnistPage
from tests.browser.page_hosting import host_mnist
from tests.grid.processes import grid_process, kill
from tests.unit.client.noisy import CONFIG, NOISY, noisy_model

pytestmark = pytest.mark.timeout(240)

KEPT = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("syft_web");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const request = opening.result.transaction("kept").objectStore("kept").getAllKeys();
    request.onsuccess = () => {
      opening.result.close();
      resolve(request.result.map((key) => key.split("/")[0]).sort().join(" "));
    };
  };
})"""

# What every page of these tests can do; `window.lab` outlives no reload.
LAB = """async ([base, url]) => {
  const { Syft, Guards, data } = await import(base + "/syft-web.js");
  const away = { hidden: false };
  const guards = new Guards({ hidden: () => away.hidden, battery: false });
  const syft = new Syft({ url, guards });
  const delivered = new Promise((resolve) => syft.on("delivered", resolve));
  const rows = 26;
  // The same numbers in every page.
  const numbers = (count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 7.3));
  const options = () => ({
    data: new data.DataLoader({
      dataset: new data.ArrayDataset([
        { data: numbers(rows * 12), shape: [rows, 12] },
        { data: numbers(rows * 3), shape: [rows, 3] },
      ]),
      batchSize: 4,
      seed: 11,
    }),
    noiseSeed: 123,
  });
  /** Trains to the end; gives the parameters. */
  const ended = (trainer) => new Promise((resolve, reject) => {
    trainer.on("error", reject);
    trainer.on("end", async () => resolve([...(await trainer.currentModel.params[0].data())]));
  });
  /** What is kept, by the first part of its key. */
  const kept = KEPT;
  const until = async (probe) => {
    for (;;) {
      const value = await probe();
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  window.lab = { syft, guards, away, delivered, options, ended, kept, until };
}""".replace("KEPT", KEPT)

BEGIN = """async () => {
  const { syft, guards, away, options, kept, until } = lab;
  const told = [];
  const job = syft.newJob({ modelName: "noisy", modelVersion: "1.0" });

  // Somebody else's page is in front: nothing is asked of the grid.
  away.hidden = true;
  await guards.check();
  const waits = new Promise((resolve) => job.on("progress", resolve));
  const starting = job.start();
  const first = await waits;
  told.push([first.stage, first.text]);
  away.hidden = false;
  await guards.check();
  const { status } = await starting;
  told.push(status);

  // The same in the middle of the second epoch; and it goes on when the person is back.
  const trainer = job.train("training_plan", options());
  const failed = new Promise((_, reject) => trainer.on("error", reject));
  const event = (name) => Promise.race([failed, new Promise((ok) => trainer.on(name, ok))]);
  const leaves = async ({ epoch, batch }) => {
    if (epoch !== 1 || batch !== 1) return;
    away.hidden = true;
    await guards.check();
  };
  trainer.on("batchEnd", leaves);
  await trainer.pause("not yet");
  const paused = event("pause");
  told.push((await paused).why);
  const again = event("pause");
  await trainer.unpause();
  told.push((await again).why);
  const continued = event("continue");
  trainer.off("batchEnd", leaves);
  const third = event("pause");
  trainer.on("batchEnd", () => void trainer.pause("the test reloads"));
  away.hidden = false;
  await guards.check();
  await continued;
  told.push((await third).why);
  // A pause is saved at once.
  await until(async () => (await kept()).includes("progress"));
  return told;
}"""

RESUME = """async () => {
  const { syft, options, ended, kept, until } = lab;
  const [saved] = await until(async () => {
    const found = await syft.resumable();
    return found.length ? found : null;
  });
  const job = syft.newJob(saved);
  let accepted = 0;
  job.on("accepted", () => accepted++);
  await job.resume(saved);
  const resumed = job.train("training_plan", options());
  const batches = [];
  resumed.on("batchEnd", ({ epoch, batch }) => batches.push([epoch, batch]));
  const result = await ended(resumed);
  // An uninterrupted training of the same model with the same seeds.
  const whole = await ended(job.train("training_plan", options()));
  window.lab.job = job;
  window.lab.trainer = resumed;
  return {
    accepted,
    name: saved.modelName,
    position: [saved.epoch, saved.batch],
    batches,
    same: result.length === whole.length && result.every((value, i) => Object.is(value, whole[i])),
    moved: result.some((value, i) => value !== 0),
  };
}"""

WAIT = """() => new Promise((resolve) => {
  lab.job = lab.syft.newJob({ modelName: "noisy", modelVersion: "1.0" });
  lab.job.on("progress", ({ stage, text }) => resolve([stage, text]));
  lab.outcome = lab.job.start();
})"""

REPORT = """async () => {
  const { job, trainer, kept, until } = lab;
  const diff = await job.model.createSerializedDiffFromModel(trainer.currentModel);
  job.report(diff).catch(() => undefined);
  await until(async () => (await kept()).includes("diff"));
  return kept();
}"""


async def lab(page, site_url, url):
    await page.goto(f"{site_url}/")
    await page.evaluate(LAB, [site_url, url])


async def host(url, cycles=3):
    await host_training(
        url.replace("http", "ws"),
        "noisy",
        "1.0",
        model=noisy_model().params,
        plans={"training_plan": NOISY},
        client_config=CONFIG,
        server_config=server_config(workers=1, cycles=cycles),
    )


async def status_of(page, url, checkpoint):
    query = f"name=noisy&version=1.0&checkpoint={checkpoint}"
    answer = await page.request.get(f"{url}/model-centric/retrieve-model?{query}")
    return answer.status


async def test_a_reload_and_a_dead_grid_lose_nothing(page, site_url, tmp_path, problems):
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    with grid_process(database) as (url, process):
        port = re.search(r":(\d+)", url)[1]
        await host(url)
        await lab(page, site_url, url.replace("http", "ws"))
        told = await page.evaluate(BEGIN)
        assert told[0][0] == "guard"
        assert "in the background" in told[0][1]
        assert told[1:3] == ["accepted", "not yet"]
        assert "in the background" in told[3]
        assert told[4] == "the test reloads"

        await lab(page, site_url, url.replace("http", "ws"))  # Loads the page anew.
        resumed = await page.evaluate(RESUME)
        epoch, batch = resumed["position"]
        assert (epoch, batch) >= (1, 1)
        assert resumed["batches"] == [
            [e, b] for e in range(3) for b in range(7) if (e, b) >= (epoch, batch)
        ]
        assert resumed["accepted"] == 1
        assert resumed["same"]
        assert resumed["moved"]

        kill(process)
        assert await page.evaluate(REPORT) == "cycle diff"

    # The page is gone before the grid is back; another visit hands the work in.
    await lab(page, site_url, f"ws://127.0.0.1:{port}")
    with grid_process(database, "--port", port) as (url, _):
        delivery = await page.evaluate("lab.delivered")
        assert (delivery["modelName"], delivery["outcome"]) == ("noisy", "reported")
        assert await page.evaluate("lab.kept()") == ""
        assert await page.evaluate("lab.syft.deliver()") == []
        # The one report has made one checkpoint beside the first.
        while await status_of(page, url, 2) != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        assert [await status_of(page, url, n) for n in (1, 2, 3)] == [200, 200, 404]
        # Chromium complains about the grid that was not there.
        problems[:] = [each for each in problems if f":{port}" not in each]


@pytest_asyncio.fixture(loop_scope="session")
async def second(page, problems):
    """Another tab of the same browser."""
    tab = await page.context.new_page()
    tab.set_default_timeout(60_000)
    problems.watch(tab)
    yield tab
    await tab.close()


async def test_two_tabs_one_trains(page, second, site_url, grid):
    await host(grid.url)
    for tab in (page, second):
        await lab(tab, site_url, grid.ws_url)
    start = """async () => {
      lab.job = lab.syft.newJob({ modelName: "noisy", modelVersion: "1.0" });
      return (await lab.job.start()).status;
    }"""
    assert await page.evaluate(start) == "accepted"
    for cancelled in (True, False):
        assert await second.evaluate(WAIT) == ["turn", "Waiting: another tab trains this model"]
        if cancelled:
            await second.evaluate("lab.job.cancel()")
            assert (
                await second.evaluate("lab.outcome.then(({ error }) => error.code)") == "cancelled"
            )
    assert await second.evaluate("lab.syft.resumable()") == []
    # A tab that is closed in the middle of its cycle gives its turn to the other.
    await page.close()
    outcome = await second.evaluate("lab.outcome.then(({ status }) => status)")
    assert outcome == "accepted"


BATTERY = """
window.power = Object.assign(new EventTarget(), { charging: false, level: 0.5 });
navigator.getBattery = async () => window.power;
"""

# Once a batch is done.
DRAIN = """() => {
  const detail = document.getElementById("detail");
  const watch = new MutationObserver(() => {
    if (!/^Update [0-9]/.test(detail.textContent)) return;
    watch.disconnect();
    window.power.level = 0.1;
    window.power.dispatchEvent(new Event("levelchange"));
  });
  watch.observe(detail, { childList: true, characterData: true, subtree: true });
}"""


async def test_the_demo_waits_for_the_battery_and_goes_on_after_a_reload(page, site_url, grid):
    updates = 600
    await host_mnist(grid.ws_url, updates=updates)
    await page.add_init_script(BATTERY)
    demo = await MnistPage(page, site_url).open(grid.ws_url)
    await page.evaluate(DRAIN)
    await demo.start()
    await demo.reach("held", seconds=100)
    await expect(page.locator("#detail")).to_contain_text("the battery is low")
    saved = "async () => { const kept = KEPT; return (await kept()).includes('progress'); }"
    while not await page.evaluate(saved.replace("KEPT", KEPT)):  # noqa: ASYNC110
        await asyncio.sleep(0.05)

    await page.reload()  # With half of the battery left.
    await demo.reach("idle")
    await page.evaluate(DRAIN)
    await demo.start()
    await demo.reach("held", seconds=100)
    await demo.shoot("held")
    await page.get_by_role("button", name="Train anyway").click()
    await demo.reach("done", "finished", "error", seconds=100)
    assert "resuming" in await demo.trace()
    [cycle] = await demo.cycles()
    assert cycle["status"] == "reported"
    assert cycle["updates"] == updates
    assert 0 < len(cycle["losses"]) < updates
