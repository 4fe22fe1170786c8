import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

const path = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((p) => existsSync(p));

/** Why there can be no browser tests; false if there can. */
export const missing = path ? false : "no Chromium: set CHROMIUM to one";

/** A browser without a past and without errands of its own. */
export function launch() {
  return chromium.launch({
    executablePath: path,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/**
 * A page that remembers what went wrong in it.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function open(browser, options) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (err) => faults.push(String(err.stack ?? err)));
  page.on("console", (m) => m.type() === "error" && faults.push(m.text()));
  page.setDefaultTimeout(20_000);
  return { page, faults };
}

/** Keeps a picture where DEMO_SHOTS says, if it says so. @param {import("playwright-core").Page} page @param {string} name */
export async function shot(page, name) {
  const folder = process.env.DEMO_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
