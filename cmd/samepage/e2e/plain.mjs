// Plain channels by the stock client, as people use them with Centrifugo:
// node plain.mjs URL KEY SECRET json|protobuf.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import WebSocket from "ws";

const [url, key, secret, encoding] = process.argv.slice(2);
const binary = encoding === "protobuf";
const { Centrifuge } = await import(binary ? "centrifuge/build/protobuf" : "centrifuge");
const endpoint = `${url.replace("http", "ws")}/connection/websocket`;
setTimeout(() => assert.fail("it takes too long"), 50_000).unref();

const write = (value) => (binary ? new TextEncoder().encode(JSON.stringify(value)) : value);
const read = (data) => (binary ? JSON.parse(new TextDecoder().decode(data)) : data);
const seconds = () => Math.floor(Date.now() / 1000);

function token(claims) {
  const text = [{ alg: "HS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

async function api(method, params) {
  const response = await fetch(`${url}/api/${method}`, { method: "POST", headers: { "X-API-Key": key }, body: JSON.stringify(params) });
  const { error, result } = await response.json();
  assert.equal(error, undefined, method);
  return result;
}

/** Publications of a subscription, one after the other. */
function publications(sub) {
  const came = [], wanted = [];
  sub.on("publication", (p) => (wanted.length ? wanted.shift()(p) : came.push(p)));
  return () => (came.length ? Promise.resolve(came.shift()) : new Promise((resolve) => wanted.push(resolve)));
}

const once = (from, event) => new Promise((resolve) => from.once(event, resolve));
const refused = (code) => (error) => error.code === code;

// The first token has expired: the client gets another, with its subscriptions under way.
let tokens = 0;
const client = new Centrifuge(endpoint, {
  websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 200,
  token: token({ sub: "ada", exp: seconds() - 60 }),
  getToken: async () => (tokens++, token({ sub: "ada", info: { name: "Ada" }, channels: ["news"], exp: seconds() + 3600 })),
});
const news = new Promise((resolve) => client.on("publication", (p) => p.channel === "news" && resolve(read(p.data))));
const sheet = client.newSubscription("sheet:1", { delta: "fossil" });
const secretly = client.newSubscription("closed:1", { getToken: async ({ channel }) => token({ sub: "ada", channel, exp: seconds() + 3600 }) });
const denied = client.newSubscription("closed:2");
const unknown = client.newSubscription("nobody:1");
const ended = [once(denied, "unsubscribed"), once(unknown, "unsubscribed")];
const next = publications(sheet);
for (const sub of [sheet, secretly, denied, unknown]) sub.subscribe();
client.connect();
await Promise.all([client.ready(), sheet.ready(), secretly.ready()]);
assert.equal(tokens, 1);
assert.deepEqual((await Promise.all(ended)).map((e) => e.code), [103, 102]);

// A server-side subscription.
await api("publish", { channel: "news", data: { headline: 1 } });
assert.deepEqual(await news, { headline: 1 });

// Publications, each but the first as a delta, with who sent them; several commands in one frame.
const page = (n) => ({ text: "the same words over and over ".repeat(10), n });
client.startBatching();
const sent = [1, 2, 3].map((n) => sheet.publish(write(page(n))));
client.stopBatching();
await Promise.all(sent);
for (const n of [1, 2, 3]) {
  const p = await next();
  assert.deepEqual([p.offset, read(p.data), p.info.user, read(p.info.connInfo)], [n, page(n), "ada", { name: "Ada" }]);
}

// What was missed comes once the client is back, and deltas go on from it.
const back = once(sheet, "subscribed");
await api("disconnect", { user: "ada", disconnect: { code: 4000, reason: "come back" } });
await api("publish", { channel: "sheet:1", data: page(4), tags: { by: "a backend" } });
const again = await back;
await api("publish", { channel: "sheet:1", data: page(5) });
assert.deepEqual([again.wasRecovering, again.recovered], [true, true]);
for (const n of [4, 5]) {
  const p = await next();
  assert.deepEqual([p.offset, read(p.data)], [n, page(n)]);
  if (n === 4) assert.deepEqual(p.tags, { by: "a backend" });
}

// Reading: history forwards, backwards, since; who is there.
const { epoch, offset } = await sheet.history({ limit: 0 });
assert.equal(offset, 5);
const numbers = async (options) => (await sheet.history(options)).publications.map((p) => p.offset);
assert.deepEqual(await numbers({ limit: 2 }), [1, 2]);
assert.deepEqual(await numbers({ limit: 2, reverse: true }), [5, 4]);
assert.deepEqual(await numbers({ limit: -1, since: { offset: 3, epoch } }), [4, 5]);
await assert.rejects(sheet.history({ limit: 1, since: { offset: 3, epoch: "another" } }), refused(112));
const { clients } = await sheet.presence();
assert.deepEqual(Object.values(clients).map((c) => c.user), ["ada"]);
assert.deepEqual(await sheet.presenceStats(), { numClients: 1, numUsers: 1 });
await assert.rejects(secretly.presence(), refused(108));
await assert.rejects(client.rpc("no.such.command", write({})), refused(108));
await client.send(write({ to: "nobody" }));

// A subscription that begins where something else has read to.
const behind = client.newSubscription("sheet:2", {
  getState: async () => {
    const read = await api("history", { channel: "sheet:2", limit: 0 });
    await api("publish", { channel: "sheet:2", data: "meanwhile" });
    return read;
  },
});
const followed = publications(behind);
behind.subscribe();
assert.equal(read((await followed()).data), "meanwhile");

// Others come and go.
const bob = new Centrifuge(endpoint, { websocket: WebSocket, token: token({ sub: "bob" }) });
const joined = once(sheet, "join"), left = once(sheet, "leave");
const his = bob.newSubscription("sheet:1");
his.subscribe();
bob.connect();
assert.equal((await joined).info.user, "bob");
bob.disconnect();
assert.equal((await left).info.user, "bob");

// The end, by a backend's word.
const gone = once(client, "disconnected");
await api("disconnect", { user: "ada" });
assert.equal((await gone).code, 3503);
