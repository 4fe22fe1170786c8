import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, missing, open } from "./browser.js";
import { startDemo } from "./demo.js";

/** @type {import("./demo.js").Demo} */ let demo;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  if (missing) return;
  demo = await startDemo();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The people who look at Maya's context and what belongs to it: who, and at which channel. */
const watchers = [
  ["customer", "c-42", "context:c-42"],
  ["agent", "anna", "context:c-42"],
  ["agent", "anna", "queue:support"],
  ["pos", "till-1", "board:s1"],
];

test("after any commands, breaks and returns, every audience holds the hub's entries", { skip: missing }, async () => {
  const { page, faults } = await open(browser);
  await page.goto(`${demo.url}/app/`);
  const rounds = 12;
  const seed = Number(process.env.SEED ?? Date.now() % 1e6);
  const held = await page.evaluate(churn, { watchers, rounds, seed });
  for (const [i, [role, id, channel]] of watchers.entries()) {
    const { token } = await (await fetch(`${demo.url}/demo/session?role=${role}&id=${id}`)).json();
    const answer = await fetch(`${demo.url}/v1/channels/${channel}`, { headers: { Authorization: `Bearer ${token}` } });
    const { epoch, offset, entries } = await answer.json();
    const what = `${role} at ${channel}, seed ${seed}`;
    assert.deepEqual(held[i].entries, entries, what);
    assert.equal(held[i].position.epoch, epoch, what);
    assert.ok(held[i].position.offset <= offset, what);
    assert.ok(Object.keys(entries).length > 0 || channel.startsWith("queue:"), what);
  }
  assert.deepEqual(faults, []);
  await page.close();
});

/**
 * Runs in the page, with the modules that the pages are made of: everybody watches, drops out and
 * comes back at random, while the customer shops, talks and the till works.
 *
 * @param {{watchers: string[][], rounds: number, seed: number}} options
 */
async function churn({ watchers, rounds, seed }) {
  const from = (/** @type {string} */ name) => import(`${location.origin}/shared/${name}.js`);
  const { Connection } = await from("connection");
  const { Commands } = await from("command");
  const { demoSession } = await from("session");
  const { uuidv7 } = await from("uuid");
  const url = `${location.origin.replace("http", "ws")}/connection/websocket`;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const join = async (/** @type {string} */ role, /** @type {string} */ id) => {
    const { token } = await demoSession(role, id);
    const connection = new Connection({ url, token, refresh: async () => token });
    connection.connect();
    return connection;
  };
  const shopper = await join("customer", "c-42");
  const till = await join("pos", "till-1");
  const context = shopper.join("context:c-42");
  const [buy, work] = [new Commands(shopper), new Commands(till)];
  const on = "context:c-42";
  const conversation = uuidv7();
  const must = async (/** @type {any} */ sent) => {
    const { problem } = await sent;
    if (problem) throw new Error(JSON.stringify(problem));
  };
  // An agent may look as soon as a conversation is in the queue.
  await must(buy.send("conversation.open", on, { conversation, channel: "web" }));
  await must(buy.send("conversation.escalate", on, { conversation, reason: "user_request" }));

  const lines = await Promise.all(watchers.map(([role, id]) => join(role, id)));
  const channels = lines.map((line, i) => line.join(watchers[i][2]));
  const settled = () => channels.every((c) => c.state.peek() === "synced");
  while (!settled()) await pause(20);

  for (let i = 0; i < rounds; i++) {
    for (const line of lines) random() < 0.4 ? line.disconnect() : line.connect();
    await must(buy.send("cart.add_line", on, { sku: random() < 0.5 ? "latte" : "tea", quantity: 1 + Math.floor(random() * 3) }));
    await must(buy.send("conversation.post", on, { conversation, message: uuidv7(), text: `message ${i}` }));
    if (random() < 0.5) continue;
    await pause(30); // until the shopper's own screen shows the cart that is to be ordered
    const [key, cart] = /** @type {[string, any]} */ (Object.entries(context.entries.peek()).find(([k, e]) => k.startsWith("cart/") && /** @type {any} */ (e).doc.state === "active"));
    const order = uuidv7();
    const { problem } = await buy.send(
      "order.place",
      on,
      { cart: key.slice(5), order, expected_total: cart.doc.total, fulfilment: { type: "pickup", store: "s1" }, tenders: { t1: { type: "card", amount: cart.doc.total } } },
      { ifVersion: { [key]: cart.v } },
    );
    if (problem) continue;
    await must(work.send("fulfilment.start", on, { order }));
    if (random() < 0.6) await must(work.send("fulfilment.ready", on, { order }));
  }
  for (const line of lines) line.connect();
  await pause(4000); // the demo's backend captures and answers for a while yet
  while (!settled()) await pause(20);
  return channels.map((c) => ({ entries: c.entries.peek(), position: c.position.peek() }));
}
