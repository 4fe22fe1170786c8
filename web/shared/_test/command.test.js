import assert from "node:assert/strict";
import { test } from "node:test";
import { Commands } from "../command.js";

/**
 * A line whose answers are given one after the other; an Error-like with a code is thrown.
 *
 * @param {any[]} answers
 */
function line(answers) {
  /** @type {any[]} */
  const sent = [];
  const channel = Object.assign(new EventTarget(), { causes: new Set(), saw: (/** @type {string} */ id) => channel.causes.has(id) });
  return {
    sent,
    channel,
    ready: async () => {},
    joined: () => channel,
    rpc: async (/** @type {string} */ method, /** @type {any} */ data) => {
      sent.push({ method, ...data });
      const answer = answers.shift();
      if (typeof answer === "function") return answer(data);
      if (typeof answer?.code === "number") throw answer;
      return answer;
    },
  };
}

const fast = { wait: async () => {} };

test("a command without an answer is sent again with the same id", async () => {
  const l = line([{ code: 1, message: "timeout" }, { problem: { code: "unavailable", message: "disk" } }, { epoch: "k", offset: 3 }]);
  const answer = await new Commands(l, fast).send("cart.add_line", "context:c-42", { sku: "latte", quantity: 1 });
  assert.equal(answer.offset, 3);
  assert.equal(l.sent.length, 3);
  assert.equal(new Set(l.sent.map((s) => s.id)).size, 1);
  assert.deepEqual(l.sent[2], l.sent[0]);
});

test("the versions go along only where they are given", async () => {
  const l = line([{}, {}]);
  const commands = new Commands(l, fast);
  await commands.send("cart.add_line", "context:c-42", {});
  await commands.send("order.place", "context:c-42", {}, { ifVersion: { "cart/a": 7 } });
  assert.equal("if_version" in l.sent[0], false);
  assert.deepEqual(l.sent[1].if_version, { "cart/a": 7 });
});

test("what the protocol forbids is a problem at once", async () => {
  const l = line([{ code: 103, message: "permission denied" }]);
  const { problem } = await new Commands(l, fast).send("catalog.set", "catalog:default", {});
  assert.equal(problem?.code, "forbidden");
  assert.equal(l.sent.length, 1);
});

test("it gives up in the end and says so", async () => {
  const l = line([{ code: 1, message: "timeout" }, { code: 1, message: "timeout" }]);
  const commands = new Commands(l, { ...fast, attempts: 2 });
  const { problem } = await commands.send("cart.add_line", "context:c-42", {});
  assert.equal(problem?.code, "unreached");
  assert.equal(commands.pending.value.length, 0);
});

test("commands leave in the order they were made, one channel not waiting for another", async () => {
  /** @type {(v: any) => void} */
  let first = () => {};
  const l = line([() => new Promise((resolve) => (first = resolve)), {}, {}]);
  const commands = new Commands(l, fast);
  const one = commands.send("a", "context:1", {});
  const two = commands.send("b", "context:1", {});
  await commands.send("c", "context:2", {});
  assert.deepEqual(l.sent.map((s) => s.method), ["a", "c"]);
  first({});
  await Promise.all([one, two]);
  assert.deepEqual(l.sent.map((s) => s.method), ["a", "c", "b"]);
});

test("it stays pending until its event is on the channel", async () => {
  const l = line([(/** @type {any} */ { id }) => ({ offset: 4, event: { cause: id } })]);
  const commands = new Commands(l, fast);
  await commands.send("a", "context:1", {}, { id: "x" });
  assert.equal(commands.pending.value.length, 1);
  l.channel.causes.add("x");
  l.channel.dispatchEvent(new Event("event"));
  await Promise.resolve().then(() => {});
  assert.equal(commands.pending.value.length, 0);
});

test("a refused command is no longer pending", async () => {
  const commands = new Commands(line([{ problem: { code: "out_of_stock", message: "none" } }]), fast);
  await commands.send("a", "context:1", {});
  assert.equal(commands.pending.value.length, 0);
});
