"""Running pieces of Python inside Pyodide: in a page, or in a module worker of one.

A test sends a few lines and the values they need; it gets the value of the last line, or
the error that they raised, as the class of ``syft_web.errors`` that it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from textwrap import dedent
from typing import Any

from playwright.async_api import Browser, Page

from syft_web import errors

__all__ = ["PLACES", "PythonPage", "open_python", "without_network"]

PLACES = ("page", "worker")

_RUN_SECONDS = 60

# What a browser writes to the console about a failed request, whoever handles the failure.
_SAID_ANYWAY = (
    "Failed to load resource",
    "Fetch API cannot load",
    "WebSocket connection to",
    "blocked by CORS policy",
)

# In Pyodide: every piece runs in a copy of what `prepare` defined, so that none sees another's
# variables. Leftovers are collected here and now: what Python says of a task whose error nobody
# read, it says during the test that is to blame.
_PYTHON = """
import asyncio, gc, json, traceback
from pyodide.code import eval_code_async

prepared = {}

async def run(code, values):
    space = {**prepared, **json.loads(values)}
    try:
        answer = {"value": await eval_code_async(code, space)}
    except Exception as error:
        answer = {
            "kind": type(error).__name__,
            "text": str(error),
            "during": getattr(error, "during", ""),
            "traceback": traceback.format_exc(),
        }
    space.clear()
    gc.collect()
    await asyncio.sleep(0)
    return json.dumps(answer)

async def prepare(code):
    await eval_code_async(code, prepared)
"""

_FUNCTIONS = """
const functions = {
  async boot(base, python) {
    const { loadPyodide } = await import(`${base}/pyodide/pyodide.mjs`);
    const stderr = (line) => console.error(line);
    const py = await loadPyodide({ packages: ["syft_web"], stderr });
    py.runPython(python);
    for (const name of ["run", "prepare"]) functions[name] = py.globals.get(name);
  },
};
"""

_PAGE = f"""() => {{
  {_FUNCTIONS}
  window.call = (name, ...given) => functions[name](...given);
}}"""

_WORKER = f"""
{_FUNCTIONS}
self.onmessage = async ({{ data: [name, ...given], ports: [port] }}) => {{
  try {{
    port.postMessage({{ value: await functions[name](...given) }});
  }} catch (error) {{
    port.postMessage({{ error: String(error) }});
  }}
}};
"""

_START_WORKER = """(script) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  window.call = (...message) =>
    new Promise((resolve, reject) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => {
        if (data.error) reject(new Error(data.error));
        else resolve(data.value);
      };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(message, [port2]);
    });
}"""


class PythonPage:
    """A Python that runs in a browser.

    Args:
        page: Where it runs, or where its worker belongs to.
        place: ``"page"`` or ``"worker"``.
    """

    def __init__(self, page: Page, place: str) -> None:
        self.page = page
        self.place = place

    async def run(self, code: str, **values: object) -> Any:
        """Run lines of Python, which may ``await``.

        Args:
            code: The lines.
            values: Their variables, of what JSON can carry.

        Returns:
            The value of the last line, through JSON: tuples come as lists.

        Raises:
            SyftError: What the lines raised. Any other error of theirs is an AssertionError
                with their traceback.
        """
        answer = json.loads(await self._call("run", dedent(code), json.dumps(values)))
        if "value" in answer:
            return answer["value"]
        kind = getattr(errors, answer["kind"], None)
        if kind is None:
            raise AssertionError(f"in the {self.place}:\n{answer['traceback']}")
        if issubclass(kind, errors.GridError):
            raise kind(answer["text"], during=answer["during"])
        raise kind(answer["text"])

    async def boot(self, site_url: str) -> None:
        """Start Python, with the site's ``syft_web``."""
        await self._call("boot", site_url, _PYTHON)

    async def prepare(self, code: str) -> None:
        """Run lines of Python whose names every later piece may use."""
        await self._call("prepare", dedent(code))

    async def _call(self, *message: str) -> Any:
        async with asyncio.timeout(_RUN_SECONDS):
            return await self.page.evaluate("(message) => window.call(...message)", list(message))


@contextlib.asynccontextmanager
async def open_python(
    browser: Browser, site_url: str, place: str, prelude: str
) -> AsyncIterator[PythonPage]:
    """Boot Pyodide with the site's ``syft_web`` on a page of its own.

    Args:
        browser: A running browser.
        site_url: Base URL of the built site.
        place: One of `PLACES`.
        prelude: For `PythonPage.prepare`.
    """
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(f"{site_url}/")
        if place == "page":
            await page.evaluate(_PAGE)
        else:
            await page.evaluate(_START_WORKER, _WORKER)
        python = PythonPage(page, place)
        await python.boot(site_url)
        await python.prepare(prelude)
        yield python
    finally:
        await context.close()


def without_network(problems: list[str]) -> list[str]:
    """Complaints of a page but those that a browser makes of every failed request."""
    return [line for line in problems if not any(text in line for text in _SAID_ANYWAY)]
