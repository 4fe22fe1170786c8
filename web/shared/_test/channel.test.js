import assert from "node:assert/strict";
import { test } from "node:test";
import { Channel } from "../channel.js";
import { LostThread } from "../entries.js";

/** @param {string} cause @param {any[]} changes @param {any} [data] */
function event(cause, changes, data) {
  return { type: "cart.changed", at: "2026-11-23T09:00:00.000Z", by: {}, cause, changes, data };
}

function loaded() {
  const channel = new Channel("context:c-42", () => 5000);
  channel.load({ loyalty: { v: 7, doc: { balance: 180 } } }, { epoch: "k3", offset: 7 });
  return channel;
}

test("an event moves the position, even over a gap that this audience may not see", () => {
  const channel = loaded();
  assert.equal(channel.apply(event("c1", [{ key: "loyalty", v: 12, patch: { balance: 155 } }]), 12), true);
  assert.deepEqual(channel.position.value, { epoch: "k3", offset: 12 });
  assert.deepEqual(channel.entries.value, { loyalty: { v: 12, doc: { balance: 155 } } });
  assert.equal(channel.saw("c1"), true);
  assert.equal(channel.saw("c2"), false);
});

test("an event that is held already changes nothing", () => {
  const channel = loaded();
  let events = 0;
  channel.addEventListener("event", () => events++);
  assert.equal(channel.apply(event("c1", [{ key: "loyalty", v: 7, patch: { balance: 1 } }]), 7), false);
  assert.deepEqual(channel.entries.value.loyalty.doc, { balance: 180 });
  assert.equal(events, 0);
});

test("a patch that does not fit leaves everything as it was", () => {
  const channel = loaded();
  const changes = [{ key: "loyalty", v: 8, patch: { balance: 1 } }, { key: "cart/x", v: 8, patch: {} }];
  assert.throws(() => channel.apply(event("c1", changes), 8), LostThread);
  assert.deepEqual(channel.position.value, { epoch: "k3", offset: 7 });
  assert.deepEqual(channel.entries.value.loyalty.doc, { balance: 180 });
});

test("an event before the snapshot is noticed", () => {
  assert.throws(() => new Channel("context:x").apply(event("c", []), 1), LostThread);
});

test("what comes in the turn of a recovery is marked as caught up, what comes later is live", async () => {
  const channel = loaded();
  channel.recover();
  channel.apply(event("c1", [{ key: "loyalty", v: 8, patch: { balance: 1 } }]), 8);
  assert.equal(channel.stamps.value.loyalty.how, "caught up");
  await new Promise((resolve) => setTimeout(resolve));
  channel.apply(event("c2", [{ key: "loyalty", v: 9, patch: { balance: 2 } }]), 9);
  assert.equal(channel.stamps.value.loyalty.how, "live");
});

test("a derived event is as old as the event it comes from", () => {
  const channel = loaded();
  channel.apply(event("c1", [{ key: "loyalty", v: 8, patch: { balance: 1 } }], { source: { at: "2026-11-23T08:59:59.900Z" } }), 8);
  assert.equal(channel.stamps.value.loyalty.at, Date.parse("2026-11-23T08:59:59.900Z"));
});
