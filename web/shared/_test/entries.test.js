import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, LostThread, ofKind } from "../entries.js";
import { merge } from "../merge.js";

const at = "2026-11-23T09:00:00.123Z";
const by = { role: "customer", id: "c-42" };

/** The examples of RFC 7386, appendix A. @type {[any, any, any][]} */
const examples = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [["a", "b"], ["c", "d"], ["c", "d"]],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

for (const [doc, patch, want] of examples) {
  test(`merging ${JSON.stringify(patch)} into ${JSON.stringify(doc)}`, () => {
    const before = structuredClone(doc);
    assert.deepEqual(merge(doc, patch), want);
    assert.deepEqual(doc, before, "the document was changed in place");
  });
}

test("a field called __proto__ stays a field", () => {
  const doc = merge({}, JSON.parse('{"__proto__":{"x":1}}'));
  assert.equal(JSON.stringify(doc), '{"__proto__":{"x":1}}');
  assert.equal(/** @type {any} */ ({}).x, undefined);
});

test("a snapshot and the events behind it make the snapshot at the end", () => {
  let entries = /** @type {import("../entries.js").Entries} */ ({ loyalty: { v: 1, doc: { balance: 180 } } });
  const events = [
    { changes: [{ key: "cart/a", v: 2, doc: { state: "active", lines: {} } }] },
    { changes: [{ key: "cart/a", v: 3, patch: { lines: { l1: { sku: "latte", quantity: 2 } } } }] },
    { changes: [{ key: "cart/a", v: 4, patch: { lines: { l1: { quantity: 3 } } } }, { key: "loyalty", v: 4, gone: true }] },
    {},
  ];
  for (const event of events) entries = apply(entries, { type: "x", at, by, ...event });
  assert.deepEqual(entries, { "cart/a": { v: 4, doc: { state: "active", lines: { l1: { sku: "latte", quantity: 3 } } } } });
});

test("what was held before an event is not changed by it", () => {
  const before = { "cart/a": { v: 1, doc: { lines: { l1: { quantity: 1 } } } } };
  const copy = structuredClone(before);
  apply(before, { type: "x", at, by, changes: [{ key: "cart/a", v: 2, patch: { lines: { l1: { quantity: 5 } } } }] });
  assert.deepEqual(before, copy);
});

test("a patch for an entry that is not here is noticed", () => {
  assert.throws(() => apply({}, { type: "x", at, by, changes: [{ key: "cart/a", v: 2, patch: {} }] }), LostThread);
});

test("entries are found by their kind", () => {
  const entries = { "cart/a": { v: 1, doc: {} }, "cartoon/b": { v: 1, doc: {} }, cart: { v: 1, doc: {} } };
  assert.deepEqual(ofKind(entries, "cart").map(([id]) => id), ["a"]);
});
