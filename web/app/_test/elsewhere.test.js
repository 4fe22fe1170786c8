import assert from "node:assert/strict";
import { test } from "node:test";
import { tell } from "../elsewhere.js";

/** @param {string} type @param {import("../../shared/entries.js").Actor} by */
const event = (type, by) => ({ type, by, at: "2026-11-23T09:00:00Z" });

test("a customer is told what changed elsewhere, and by whom", () => {
  assert.match(tell(event("cart.line_added", { role: "customer", id: "c-42" })) ?? "", /your other device/);
  assert.equal(tell(event("cart.quantity_set", { role: "agent", name: "Anna" })), "Anna changed your cart");
  assert.equal(tell(event("cart.line_removed", { role: "pos" })), "Our pos changed your cart");
  assert.match(tell(event("order.placed", { role: "customer", id: "c-42" })) ?? "", /other device/);
  assert.match(tell(event("cart.price_changed", { role: "system" })) ?? "", /price/);
});

test("what has a place of its own on the screen is not told twice", () => {
  assert.equal(tell(event("order.placed", { role: "pos", name: "Till" })), undefined);
  assert.equal(tell(event("fulfilment.ready", { role: "pos" })), undefined);
  assert.equal(tell(event("conversation.message_posted", { role: "agent", name: "Anna" })), undefined);
  assert.equal(tell(event("cart.abandoned", { role: "system" })), undefined);
});
