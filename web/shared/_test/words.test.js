import assert from "node:assert/strict";
import { test } from "node:test";
import { minus, money, sum, times } from "../money.js";
import { say } from "../problem.js";
import { read, Tokens } from "../session.js";
import { age, span, speed, timer } from "../time.js";
import { uuidv7 } from "../uuid.js";

test("money is shown with the decimals of its currency", () => {
  assert.equal(money({ amount: 450, currency: "USD" }), "$4.50");
  assert.equal(money({ amount: -5, currency: "USD" }), "-$0.05");
  assert.equal(money({ amount: 450, currency: "JPY" }), "¥450");
  assert.match(money({ amount: 4500, currency: "KWD" }), /4\.500/);
  assert.equal(money(undefined), "");
});

test("money adds up in whole minor units", () => {
  const usd = (/** @type {number} */ amount) => ({ amount, currency: "USD" });
  assert.deepEqual(sum([usd(1), usd(2)], "USD"), usd(3));
  assert.deepEqual(minus(usd(900), usd(250)), usd(650));
  assert.deepEqual(times(usd(110), 3), usd(330));
  assert.throws(() => sum([usd(1)], "EUR"), RangeError);
  assert.throws(() => minus(usd(1), { amount: 1, currency: "EUR" }), RangeError);
});

test("an id tells its version, its variant and its time", () => {
  const id = uuidv7(0x0192_3456_789a);
  assert.match(id, /^01923456-789a-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(uuidv7(1000) < uuidv7(2000));
  assert.equal(new Set(Array.from({ length: 1000 }, () => uuidv7(1))).size, 1000);
});

test("spans and timers read as a person would say them", () => {
  assert.deepEqual([0, 430, 9949, 9950, 59_000, 61_000, 7_200_000, 2 * 86_400_000].map(span), ["0.0 s", "0.4 s", "9.9 s", "10 s", "59 s", "1 min", "2 h", "2 d"]);
  assert.deepEqual([-5, 7000, 760_000, 3_723_000].map(timer), ["0:00", "0:07", "12:40", "1:02:03"]);
  assert.deepEqual([-40, 0, 437, 994, 1000, 61_000].map(age), ["0 ms", "0 ms", "440 ms", "990 ms", "1.0 s", "1 min"]);
  assert.deepEqual([0, 13.6, 2100].map(speed), ["<1 ms", "14 ms", "2.1 s"]);
});

test("refusals are told in words, unknown ones by their message", () => {
  assert.equal(say({ code: "already_claimed", message: "", details: { owner: { id: "ben" } } }), "Already taken by ben");
  assert.equal(say({ code: "something_new", message: "only on Sundays" }), "Only on Sundays");
  assert.equal(say({ code: "out_of_stock", message: "x" }), "Sold out at this store");
});

/** @param {object} claims */
function token(claims) {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;
}

test("a token is read for what to ask for", () => {
  const s = read(token({ sub: "c-42", role: "customer", info: { name: "Zoë" } }));
  assert.deepEqual([s.id, s.role, s.name, s.context, s.store, s.queues], ["c-42", "customer", "Zoë", "c-42", "", []]);
  assert.equal(read(token({ sub: "x", role: "customer", context: "c-1" })).context, "c-1");
  assert.throws(() => read("nonsense"));
  assert.throws(() => read(token({ role: "customer" })), /names nobody/);
});

test("a token of another role is refused with the reason", () => {
  const kept = new Map();
  const storage = /** @type {any} */ ({ getItem: (/** @type {string} */ k) => kept.get(k) ?? null, setItem: (/** @type {string} */ k, /** @type {string} */ v) => kept.set(k, v), removeItem: (/** @type {string} */ k) => kept.delete(k) });
  const tokens = new Tokens("pos", storage);
  assert.throws(() => tokens.keep(token({ sub: "c-42", role: "customer" })), /role pos/);
  assert.equal(tokens.kept(), null);
  tokens.keep(token({ sub: "pos-s1-1", role: "pos", store: "s1" }));
  assert.equal(tokens.kept()?.store, "s1");
});
