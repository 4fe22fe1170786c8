// The story of one customer at three touchpoints, by the stock client of the
// protocol: node story.mjs BINARY DATA. The shop's server is its child, so
// that it can be killed in the middle.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const [binary, data] = process.argv.slice(2);
const secret = "the secret of the tests";
const key = "the key of the tests";
const maya = "context:c-42";

// ---- the server

let child;
let port = 0; // a free one at first, the same afterwards
let url = "";

async function serve() {
  const env = {
    ...process.env,
    SAMEPAGE_CLIENT_TOKEN_HMAC_SECRET_KEY: secret,
    SAMEPAGE_HTTP_API_KEY: key,
    SAMEPAGE_CARE_QUEUES: '{"support":{"bot":"crumb","bot_name":"Crumb"}}',
    SAMEPAGE_CHANNEL_WITHOUT_NAMESPACE_HISTORY_SIZE: "100",
    SAMEPAGE_CHANNEL_WITHOUT_NAMESPACE_HISTORY_TTL: "1h",
    SAMEPAGE_CHANNEL_WITHOUT_NAMESPACE_FORCE_RECOVERY: "true",
    SAMEPAGE_CHANNEL_WITHOUT_NAMESPACE_ALLOW_SUBSCRIBE_FOR_CLIENT: "true",
  };
  child = spawn(binary, ["serve", "--data", data, "--port", String(port)], { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const part of child.stdout) {
    said += part;
    const line = /listening on (http:\S+)\n/.exec(said);
    if (line) {
      url = line[1];
      port = Number(new URL(url).port);
      return;
    }
  }
  throw new Error(`the server ended: ${said}`);
}

function kill() {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  return gone;
}
process.on("exit", () => child?.kill("SIGKILL"));

// ---- who takes part

function token(claims) {
  const text = [{ alg: "HS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

async function http(method, path, body, auth = { "X-API-Key": key }) {
  const res = await fetch(url + path, { method, body: body && JSON.stringify(body), headers: { "Content-Type": "application/json", ...auth } });
  return { status: res.status, body: await res.json() };
}

async function backend(method, on, args, id = randomUUID()) {
  const { status, body } = await http("POST", `/v1/commands/${method}`, { id, on, args });
  assert.equal(status, 200, `${method}: ${JSON.stringify(body)}`);
  return body;
}

/** A touchpoint: a client, the channels it reads and what they hold by what it heard. */
class Touchpoint {
  channels = {};

  constructor(claims) {
    this.token = token(claims);
    this.client = new Centrifuge(url.replace("http", "ws") + "/connection/websocket", {
      token: this.token,
      websocket: WebSocket,
      minReconnectDelay: 20,
      maxReconnectDelay: 200,
    });
    this.client.connect();
  }

  async read(name) {
    const channel = { entries: {}, events: [], epoch: "", offset: 0, snapshots: 0, recoveries: 0 };
    this.channels[name] = channel;
    const sub = this.client.newSubscription(name);
    channel.sub = sub;
    sub.on("subscribed", (ctx) => {
      if (ctx.recovered) channel.recoveries++;
      if (!ctx.data) return;
      channel.snapshots++;
      channel.entries = Object.fromEntries(Object.entries(ctx.data.entries).map(([k, e]) => [k, e.doc]));
      channel.epoch = ctx.streamPosition.epoch;
      channel.offset = ctx.streamPosition.offset;
    });
    sub.on("publication", ({ data, offset }) => {
      assert.ok(offset > channel.offset, `offset ${offset} after ${channel.offset}`);
      channel.offset = offset;
      channel.events.push({ ...data, offset });
      for (const change of data.changes ?? []) {
        if (change.gone) delete channel.entries[change.key];
        else channel.entries[change.key] = change.doc ?? merge(channel.entries[change.key], change.patch);
      }
    });
    sub.subscribe();
    await sub.ready(20_000);
    return channel;
  }

  async command(method, on, args, more = {}) {
    const { data } = await this.client.rpc(method, { id: randomUUID(), on, args, ...more });
    return data;
  }

  async accepted(method, on, args, more) {
    const answer = await this.command(method, on, args, more);
    assert.ok(!answer.problem, `${method}: ${JSON.stringify(answer.problem)}`);
    return answer;
  }
}

/** RFC 7386. */
function merge(doc, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const out = doc !== null && typeof doc === "object" && !Array.isArray(doc) ? { ...doc } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete out[name];
    else out[name] = merge(out[name], value);
  }
  return out;
}

async function eventually(what, ok) {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((r) => setTimeout(r, 10))) {
    if (await ok()) return;
  }
  assert.fail(`in vain: ${what}`);
}

async function held(channel) {
  const { body } = await http("GET", `/v1/channels/${channel}`);
  return body;
}

// ---- the story

await serve();
await backend("catalog.set", "catalog:default", { items: { latte: { name: "Latte", price: { amount: 450, currency: "USD" } } } });
await backend("loyalty.adjust", maya, { points: 180, reason: "welcome" });

const app = new Touchpoint({ sub: "c-42", role: "customer", name: "Maya" });
const till = new Touchpoint({ sub: "till-1", role: "pos", store: "s1", device: "d-1" });
const anna = new Touchpoint({ sub: "anna", role: "agent", name: "Anna", queues: ["support"] });
const ben = new Touchpoint({ sub: "ben", role: "agent", name: "Ben", queues: ["support"] });
const context = await app.read(maya);
const board = await till.read("board:s1");
const queues = [await anna.read("queue:support"), await ben.read("queue:support")];
assert.equal(context.entries.loyalty.balance, 180);

// The customer adds to the cart; HTTP shows the same.
const added = await app.accepted("cart.add_line", maya, { cart: "ca1", line: "l1", sku: "latte", quantity: 2 });
const seen = await http("GET", `/v1/channels/${maya}`, undefined, { Authorization: `Bearer ${app.token}` });
assert.equal(seen.body.entries["cart/ca1"].doc.lines.l1.quantity, 2);
assert.equal(seen.body.offset, added.offset);

// The order is placed, three times with one id, and is one.
const order = {
  id: randomUUID(),
  if_version: { "cart/ca1": added.offset },
};
const args = {
  cart: "ca1",
  order: "o1",
  expected_total: { amount: 900, currency: "USD" },
  fulfilment: { type: "pickup", store: "s1" },
  tenders: { t1: { type: "points", points: 25 }, t2: { type: "card", amount: { amount: 650, currency: "USD" } } },
};
const placed = await Promise.all([1, 2, 3].map(() => app.accepted("order.place", maya, args, order)));
assert.equal(new Set(placed.map((a) => a.offset)).size, 1, "one order");
assert.equal(placed.filter((a) => a.replayed).length, 2);

// The board shows it; the card is captured; points arrive once.
await eventually("the board shows it", () => board.entries["order/o1"]?.column === "new");
await backend("order.capture", maya, { order: "o1", tender: "t2" });
await eventually("points arrive", () => context.entries.loyalty.balance === 180 - 25 + 6);

// The till moves it to ready; the app sees every step.
await till.accepted("fulfilment.start", maya, { order: "o1" });
await till.accepted("fulfilment.ready", maya, { order: "o1" });
await eventually("the board has it ready", () => board.entries["order/o1"]?.column === "ready");
await eventually("the app sees it ready", () => context.events.some((e) => e.type === "fulfilment.ready"));
assert.deepEqual(
  context.events.map((e) => e.type).filter((t) => /^(order|fulfilment)\./.test(t)),
  ["order.placed", "order.tender_captured", "fulfilment.started", "fulfilment.ready"],
);

// A chat is escalated; two agents claim at once; one wins.
await app.accepted("conversation.open", maya, { conversation: "v1", channel: "web", queue: "support" });
await app.accepted("conversation.post", maya, { conversation: "v1", message: "w1", text: "Where is my latte?" });
await app.accepted("conversation.escalate", maya, { conversation: "v1", reason: "user_request" });
for (const queue of queues) await eventually("it waits", () => queue.entries["conversation/v1"]);
const claims = await Promise.all([anna, ben].map((agent) => agent.command("conversation.claim", maya, { conversation: "v1" })));
const win = claims.findIndex((a) => !a.problem);
assert.ok(win >= 0, JSON.stringify(claims));
assert.equal(claims[1 - win].problem?.code, "already_claimed");
const winner = [anna, ben][win];

// The phone drops, misses events and recovers exactly those.
const before = context.events.length;
const known = context.offset;
app.client.disconnect();
await winner.accepted("conversation.post", maya, { conversation: "v1", message: "w2", text: "On the counter!" });
await winner.accepted("conversation.note", maya, { conversation: "v1", message: "w3", text: "friendly" });
await till.accepted("fulfilment.complete", maya, { order: "o1" });
assert.equal(context.offset, known, "nothing comes to a phone that is away");
app.client.connect();
await eventually("the phone has caught up", () => context.events.length === before + 2);
assert.deepEqual(context.events.slice(before).map((e) => e.type), ["conversation.message_posted", "fulfilment.completed"]);
assert.deepEqual([context.snapshots, context.recoveries], [1, 1], "recovered, not loaded anew");

// kill -9 and a start on the same file: everybody comes back by themselves,
// positions go on, nothing acknowledged is missing.
const was = await held(maya);
await kill();
await serve();
await eventually("everybody is back", () => context.recoveries === 2 && board.recoveries === 1 && queues.every((q) => q.recoveries === 1));
assert.deepEqual(await held(maya), was);
assert.deepEqual([context.snapshots, board.snapshots], [1, 1]);
const again = await app.accepted("order.place", maya, args, order);
assert.deepEqual([again.offset, again.replayed], [placed[0].offset, true]);
const next = await app.accepted("cart.add_line", maya, { sku: "latte", quantity: 1 });
assert.deepEqual([next.epoch, next.offset], [was.epoch, was.offset + 1]);
await eventually("the app hears it", () => context.offset === next.offset);

// What the app heard, on top of its one snapshot, is what the hub holds.
const mine = await http("GET", `/v1/channels/${maya}`, undefined, { Authorization: `Bearer ${app.token}` });
assert.deepEqual(context.entries, Object.fromEntries(Object.entries(mine.body.entries).map(([k, e]) => [k, e.doc])));

// A plain channel works as it does elsewhere.
const news = [];
const sub = app.client.newSubscription("news");
sub.on("publication", (ctx) => news.push(ctx.data));
sub.subscribe();
await sub.ready(20_000);
await http("POST", "/api/publish", { channel: "news", data: { text: "fresh" } });
await eventually("the news", () => news.length === 1 && news[0].text === "fresh");

for (const touchpoint of [app, till, anna, ben]) touchpoint.client.disconnect();
await kill();
console.log("the story holds");
