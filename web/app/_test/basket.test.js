import assert from "node:assert/strict";
import { test } from "node:test";
import { basket, payment } from "../basket.js";

const usd = (/** @type {number} */ amount) => ({ amount, currency: "USD" });
const catalogue = { "sku/latte": { v: 1, doc: { name: "Latte", price: usd(450) } }, "sku/espresso": { v: 1, doc: { name: "Espresso", price: usd(300) } } };
const entries = {
  "cart/old": { v: 2, doc: { state: "ordered", currency: "USD", lines: {} } },
  "cart/a": { v: 9, doc: { state: "active", currency: "USD", total: usd(900), lines: { l1: { sku: "latte", name: "Latte", quantity: 2, price: usd(450), total: usd(900) } } } },
};

/** @param {string} method @param {any} args */
function pending(method, args) {
  return { id: "x", method, on: "context:c-42", args, since: 0, attempts: 0 };
}

test("without anything under way it is the hub's cart", () => {
  const b = basket(entries, catalogue, []);
  assert.deepEqual([b.id, b.v, b.count, b.unsure, b.total], ["a", 9, 2, false, usd(900)]);
});

test("what is under way is laid over it and marked", () => {
  const b = basket(entries, catalogue, [pending("cart.add_line", { sku: "latte", quantity: 1 }), pending("cart.add_line", { sku: "espresso", quantity: 1 })]);
  assert.deepEqual(b.lines.map((l) => [l.sku, l.quantity, l.unsure]), [["latte", 3, true], ["espresso", 1, true]]);
  assert.deepEqual([b.total, b.unsure], [usd(1650), true]);
});

test("a refused command leaves no trace", () => {
  const sure = basket(entries, catalogue, []);
  basket(entries, catalogue, [pending("cart.remove_line", { line: "l1" })]);
  assert.deepEqual(basket(entries, catalogue, []), sure);
});

test("a line that is being removed is not counted", () => {
  const b = basket(entries, catalogue, [pending("cart.set_quantity", { line: "l1", quantity: 0 })]);
  assert.deepEqual([b.count, b.total, b.unsure], [0, usd(0), true]);
});

test("commands about other things do not matter", () => {
  assert.equal(basket(entries, catalogue, [pending("conversation.post", { text: "hi" })]).unsure, false);
});

test("points pay what they can and the card pays the rest", () => {
  assert.deepEqual(payment(usd(905), { balance: 180, held: 0 }, true).tenders, { t1: { type: "points", points: 90 }, t2: { type: "card", amount: usd(5) } });
  assert.deepEqual(payment(usd(900), { balance: 180, held: 0 }, true).tenders, { t1: { type: "points", points: 90 } });
  assert.deepEqual(payment(usd(900), { balance: 30, held: 5 }, true).tenders, { t1: { type: "points", points: 25 }, t2: { type: "card", amount: usd(650) } });
  assert.deepEqual(payment(usd(900), undefined, true).tenders, { t2: { type: "card", amount: usd(900) } });
  assert.deepEqual(payment(usd(900), { balance: 180 }, false).tenders, { t2: { type: "card", amount: usd(900) } });
});
