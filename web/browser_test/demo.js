import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The demo, as a person starts it, on a free port and a store of its own; or the one that
 * DEMO_URL and DEMO_API_KEY name.
 *
 * @typedef {{url: string, key: string, kill?: () => Promise<void>, start?: () => Promise<void>, stop: () => Promise<void>}} Demo
 *   kill and start again, on the same port and store, only where it was started here
 *
 * @returns {Promise<Demo>}
 */
export async function startDemo() {
  const { DEMO_URL, DEMO_API_KEY, DEMO_BIN } = process.env;
  if (DEMO_URL) return { url: DEMO_URL.replace(/\/$/, ""), key: DEMO_API_KEY ?? "", stop: async () => {} };

  const folder = await mkdtemp(join(tmpdir(), "samepage-"));
  const bin = DEMO_BIN ?? join(folder, "samepage");
  const root = fileURLToPath(new URL("../..", import.meta.url));
  if (!DEMO_BIN) await ended(spawn("go", ["build", "-o", bin, "./cmd/samepage"], { cwd: root, stdio: "inherit" }));

  /** @type {import("node:child_process").ChildProcess} */
  let child;
  const start = async (port = "0") => {
    child = spawn(bin, ["demo", "--port", port, "--data", join(folder, "demo.db")], { stdio: ["ignore", "pipe", "inherit"] });
    return /** @type {string} */ (await introduction(child));
  };
  const end = async (/** @type {"SIGTERM" | "SIGKILL"} */ signal) => {
    const exit = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exit;
  };
  const said = await start();
  const [, url] = /** @type {RegExpExecArray} */ (/listening on (http:\S+?)\/?\s/.exec(said));
  const [, key] = /** @type {RegExpExecArray} */ (/X-API-Key: ([^'\s]+)/.exec(said));
  return {
    url,
    key,
    kill: () => end("SIGKILL"),
    start: async () => void (await start(new URL(url).port)),
    stop: async () => {
      await end("SIGTERM");
      await rm(folder, { recursive: true });
    },
  };
}

/** What the demo says of itself when it is there. @param {import("node:child_process").ChildProcess} child */
function introduction(child) {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (/X-API-Key: \S+/.test(text)) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`the demo ended with ${code}: ${text}`)));
  });
}

/** @param {import("node:child_process").ChildProcess} child */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code ? reject(new Error(`${child.spawnfile} ended with ${code}`)) : resolve(undefined)));
  });
}
