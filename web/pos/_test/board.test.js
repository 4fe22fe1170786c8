import assert from "node:assert/strict";
import { test } from "node:test";
import { seconds } from "../../shared/clock.js";
import { toMake } from "../items.js";
import { stepsOf, undoOf } from "../steps.js";

/** @param {object} doc */
const methods = (doc) => stepsOf(doc).map(([method]) => method);

test("a pickup takes one step at a time, and a ready one can go back", () => {
  assert.deepEqual(methods({ type: "pickup", column: "new" }), ["fulfilment.start"]);
  assert.deepEqual(methods({ type: "pickup", column: "making" }), ["fulfilment.ready"]);
  assert.deepEqual(methods({ type: "pickup", column: "ready" }), ["fulfilment.complete", "fulfilment.recall"]);
});

test("what was handed over can be brought back for a minute", () => {
  const at = (/** @type {number} */ ago) => new Date(seconds.value - ago).toISOString();
  assert.deepEqual(methods({ type: "pickup", column: "done", done_at: at(59_000) }), ["fulfilment.undo"]);
  assert.deepEqual(methods({ type: "pickup", column: "done", done_at: at(60_000) }), []);
  assert.deepEqual(methods({ type: "pickup", column: "done" }), []);
});

test("a till begins a shipment and leaves the rest to those who pack", () => {
  assert.deepEqual(methods({ type: "shipment", column: "new" }), ["fulfilment.start"]);
  assert.deepEqual(methods({ type: "shipment", column: "making" }), []);
  assert.deepEqual(methods({ type: "shipment", column: "done", done_at: new Date(seconds.value).toISOString() }), []);
});

test("only a bump is offered to be undone, by its opposite", () => {
  assert.equal(undoOf("fulfilment.ready")?.method, "fulfilment.recall");
  assert.equal(undoOf("fulfilment.complete")?.method, "fulfilment.undo");
  assert.equal(undoOf("fulfilment.start"), undefined);
});

test("what is to be made is summed over the open tickets", () => {
  /** @param {string} column @param {Record<string, number>} quantities @returns {import("../board.js").Row} */
  const ticket = (column, quantities) => {
    const lines = Object.fromEntries(Object.entries(quantities).map(([sku, quantity]) => [`l-${sku}`, { sku, quantity }]));
    return [column, { v: 1, doc: { column, lines } }];
  };
  const wanted = toMake([ticket("new", { latte: 2, tea: 1 }), ticket("making", { latte: 1 }), ticket("ready", { tea: 5 }), ticket("done", { latte: 9 })]);
  assert.deepEqual([...wanted].sort(), [["latte", 3], ["tea", 1]]);
});
