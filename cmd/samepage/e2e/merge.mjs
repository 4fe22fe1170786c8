// A stock client follows a context that is merged away: node merge.mjs URL KEY TOKEN.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const [url, key, token] = process.argv.slice(2);
const [loser, winner] = ["context:c-anonymous", "context:c-account"];
setTimeout(() => assert.fail("it takes too long"), 50_000).unref();

async function command(method, on, args, ifVersion = {}) {
  const response = await fetch(`${url}/v1/commands/${method}`, {
    method: "POST",
    headers: { "X-API-Key": key, "Content-Type": "application/json" },
    body: JSON.stringify({ id: randomUUID(), on, args, if_version: ifVersion }),
  });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}

async function profileVersion(channel) {
  const response = await fetch(`${url}/v1/channels/${channel}`, { headers: { "X-API-Key": key } });
  return (await response.json()).entries.profile.v;
}

const client = new Centrifuge(`${url.replace("http", "ws")}/connection/websocket`, { token, websocket: WebSocket });
let connections = 0;
client.on("connected", () => connections++);
const arrived = new Promise((resolve) => client.on("subscribed", (context) => context.channel === winner && resolve(context)));
const heard = new Promise((resolve) => client.on("publication", (context) => context.channel === winner && resolve(context)));

const sub = client.newSubscription(loser);
const left = new Promise((resolve) => sub.on("unsubscribed", resolve));
const alias = new Promise((resolve) => sub.on("publication", ({ data }) => {
  if (data.type === "customer.merged") resolve(data);
}));
sub.subscribe();
client.connect();
await sub.ready();

await command("context.merge", loser, { into: "c-account", into_version: await profileVersion(winner) }, { profile: await profileVersion(loser) });

assert.equal((await alias).data.into, "c-account");
assert.equal((await left).code, 2001);
const begun = await arrived;
assert.ok(begun.data.entries.profile.doc.aliases["c-anonymous"], JSON.stringify(begun.data));

// Commands by the old name run on the new one, and are heard there.
const answer = await client.rpc("cart.add_line", { id: randomUUID(), on: loser, args: { sku: "latte", quantity: 1 } });
assert.equal(answer.data.on, winner, JSON.stringify(answer.data));
assert.equal((await heard).data.type, "cart.line_added");
assert.equal(connections, 1, "it reconnected");

client.disconnect();
process.exit(0);
