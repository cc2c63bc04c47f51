// @ts-check
/**
 * Drives a Firefox over WebDriver BiDi.
 *
 *   node firefox.mjs FILE
 *
 * The file has `{puppeteer, firefox, steps}`: the module puppeteer-core, the browser, and what to
 * do: `{goto}` an address, `{wait}` for a selector, or `{evaluate, args}`, a function's source. For
 * each step one line of JSON is printed: its result, or `{error}`, after which it ends.
 */
import { readFileSync } from "node:fs";

const { puppeteer, firefox, steps } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { launch } = await import(puppeteer);
const browser = await launch({ browser: "firefox", executablePath: firefox, headless: true });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  for (const step of steps) {
    let result = null;
    if (step.goto) await page.goto(step.goto);
    else if (step.wait) await page.waitForSelector(step.wait);
    else result = await page.evaluate(`(${step.evaluate})(${JSON.stringify(step.args ?? null)})`);
    console.log(JSON.stringify({ result: result ?? null }));
  }
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
} finally {
  await browser.close();
}
