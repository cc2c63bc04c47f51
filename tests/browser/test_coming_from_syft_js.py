"""What runs with syft.js runs with ours: its README, its MNIST example, its tensors."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from syft_web.grid.server import Server
from tests.browser.conftest import Problems
from tests.browser.page_hosting import host_mnist
from tests.browser.page_scripts import script
from tests.browser.small_model import host_small, start_weights
from tests.grid.node.install import install


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The original client and its TensorFlow.js, from npm. In CI they must be had."""
    try:
        return install()
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"the original client cannot be installed from npm: {error}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    database = tmp_path_factory.mktemp("grid") / "grid.sqlite"
    with Server(database=f"sqlite:///{database}") as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser, site_url: str) -> AsyncIterator[Page]:
    """One page for all tests here, so that Python starts once; it must not complain."""
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    shared, found = await context.new_page(), Problems()
    shared.set_default_timeout(60_000)
    found.watch(shared)
    await shared.goto(f"{site_url}/")
    await shared.evaluate(
        "async (base) => { window.sw = await import(base + '/syft-web.js'); }", site_url
    )
    yield shared
    await context.close()
    assert not found, "the page complained:\n" + "\n".join(found)


def _readme_example(node_modules: Path, url: str, model: str) -> str:
    """The code of syft.js's README, with another import and the reader's own values."""
    text = (node_modules / "@openmined" / "syft.js" / "README.md").read_text()
    code = next(
        block
        for block in re.findall(r"```javascript\n(.*?)```", text, re.S)
        if "job.report" in block
    )
    for old, new in (
        (r"import \* as tf from .*\n", ""),
        (r"import \{ Syft \} from .*\n", ""),
        (r"const gridUrl = .*\n", f"const gridUrl = '{url}';\n"),
        (r"const modelName = .*\n", f"const modelName = '{model}';\n"),
    ):
        code, count = re.subn(old, new, code)
        assert count == 1, old
    return code


def _trained() -> np.ndarray:
    """What the example should make of the weights."""
    w = start_weights()
    for batch in range(3):
        x = np.array([[(batch + i * j) % 5 / 5 for j in range(8)] for i in range(4)], np.float32)
        y = np.array([[i, batch] for i in range(4)], np.float32)
        w = w - np.float32(0.1) * x.T @ (x @ w - y) / np.float32(4)
    return w


@pytest.mark.parametrize("with_tf", [False, True], ids=["handles", "tfjs"])
async def test_its_readme(page: Page, grid: Server, node_modules: Path, with_tf: bool) -> None:
    name = f"readme-{with_tf}"
    await host_small(grid.ws_url, name, weights_only=True)
    if with_tf:
        await page.add_script_tag(
            path=node_modules / "@tensorflow" / "tfjs-core" / "dist" / "tf-core.min.js"
        )
    code = _readme_example(node_modules, grid.ws_url, name)
    size, config, token = await page.evaluate(script("readme_example"), [code, with_tf])
    assert size > 16 * 4
    assert (config["batch_size"], token) == (4, "...")
    np.testing.assert_allclose(await _model(page, grid, name), _trained(), atol=1e-5)


async def _model(page: Page, grid: Server, name: str) -> np.ndarray:
    """The weights that the next cycle of a model begins with."""
    weights: Any = await page.evaluate(
        script("model_params"),
        [grid.ws_url, name],
    )
    return np.array(weights, np.float32)


async def test_its_mnist_example(page: Page, grid: Server, site_url: str) -> None:
    await host_mnist(grid.ws_url, updates=4, batch_size=16)
    result = await page.evaluate(script("mnist_flow"), [site_url, grid.ws_url, 60])
    assert result["said"] == [
        *("start", "0.0", "0.1", "stop", [True, True]),
        *("start", "0.2", "0.3", "end", "reported"),
    ]
    losses = [loss for loss, _ in result["losses"]]
    assert losses[0] == pytest.approx(2.5, abs=0.7)
    assert all(0 <= accuracy <= 1 for _, accuracy in result["losses"])
    numbers = result["numbers"]
    assert isinstance(numbers.pop("seed"), int)
    config = numbers.pop("clientConfig")
    assert config["max_updates"] == 4
    assert {
        key: numbers[key] for key in ("epochs", "stepsPerEpoch", "batchSize", "epoch", "batch")
    } == {
        "epochs": 1,
        "stepsPerEpoch": 4,
        "batchSize": 16,
        "epoch": 0,
        "batch": 2,
    }
    assert result["modelSize"] > 318_010 * 4 // 3 * 4 * 0.9


async def test_a_stopped_training_goes_on_to_the_same_model(page: Page, grid: Server) -> None:
    await host_small(grid.ws_url, "stopping", max_epochs=2)
    told = await page.evaluate(
        script("stopped_training"),
        grid.ws_url,
    )
    assert told["same"] == [told["whole"]] * 3
    assert told["back"] == [1, 3, True]
    assert told["at"] == [1, 3, 0, 0, 1]
    assert told["shape"] == [8, 2]


async def test_tensors(page: Page) -> None:
    told = await page.evaluate(script("tensors"))
    assert told["wrong"] == ["data"] * 4
    assert told["all"] == [
        ["float32", [2, 3], [[1, 2, 3], [4, 5, 6]]],
        ["float32", [2, 2], [[1, 2], [3, 4]]],
        ["bool", [2], [1, 0]],
        ["float32", [], 2.5],
        ["int64", [1], [5]],
        ["int64", [2], [1, 2]],
        ["uint8", [2], [1, 2]],
        ["int32", [0, 2], []],
    ]
    assert told["kept"] == [1, 2, 3, 4, 5, 6]
    assert told["gone"] == "bridge"
    assert told["left"] == 0
    assert told["facts"] == [2, 6]


async def test_datasets_and_transforms(page: Page) -> None:
    told = await page.evaluate(script("datasets"))
    assert told["errors"] == [
        "Dataset is abstract, extend it.",
        "Override the method getItem.",
        "Override the getter length.",
        "Normalize: 2 means and 2 deviations for 3 channels.",
        "The rows of an ArrayDataset are in the worker; give it to job.train.",
    ]
    assert told["seen"] == [[[0, 1], [2, 2]], [[2, 3], [2, 2]], [[4], [1, 2]]]
    assert told["item"] == 3
    assert told["batches"] == [3, 2]
    assert told["rows"] is True
    assert told["normal"] == [[0, 1], [0, 1]]
    assert told["oneHot"] == [[0, 0, 1], [1, 0, 0]]
    assert told["toTensor"] == [["int32", [1]], ["float32", [1, 2]]]
    assert told["own"] == [2, 3]


async def test_arrays_of_the_page_and_a_dataset_that_fails(page: Page, grid: Server) -> None:
    await host_small(grid.ws_url, "arrays")
    told = await page.evaluate(
        script("arrays"),
        grid.ws_url,
    )
    assert len(told["losses"]) == 2
    assert told["error"][0] == "data"
    assert "no such drawer" in told["error"][1]
    assert len(set(told["sizes"])) == 1
