import { minus, sum, times } from "../shared/money.js";
import { ofKind } from "../shared/entries.js";
import { linesOf } from "../shared/lines.js";

/**
 * @typedef {import("../shared/entries.js").Entries} Entries
 * @typedef {import("../shared/money.js").Money} Money
 * @typedef {import("../shared/command.js").Command} Command
 * @typedef {{id: string, sku: string, name: string, quantity: number, price: Money, total: Money, added_by?: any,
 *   price_change?: any, problems?: any, unsure: boolean}} Line unsure: not yet confirmed by the hub
 * @typedef {{id: string, v: number, lines: Line[], total: Money, count: number, unsure: boolean}} Basket
 */

/**
 * The active cart as the hub holds it, with what is under way laid over it and marked unsure.
 * When the hub refuses, the command goes from `pending` and so does what it would have done.
 *
 * @param {Entries} entries of the context
 * @param {Entries} catalogue
 * @param {readonly Command[]} pending
 * @returns {Basket}
 */
export function basket(entries, catalogue, pending) {
  const [id, cart] = ofKind(entries, "cart").find(([, { doc }]) => doc.state === "active") ?? ["", undefined];
  /** @type {Line[]} */
  const lines = linesOf(cart?.doc).map(([line, l]) => ({ id: line, unsure: false, ...l }));
  let unsure = false;
  for (const command of pending) unsure = overlay(lines, command, catalogue) || unsure;
  const left = lines.filter((l) => l.quantity > 0);
  const currency = cart?.doc.currency ?? left[0]?.price.currency ?? "USD";
  const total = !unsure && cart?.doc.total ? cart.doc.total : sum(left.map((l) => l.total), currency);
  return { id, v: cart?.v ?? 0, lines: left, total, count: left.reduce((n, l) => n + l.quantity, 0), unsure };
}

/** @param {Line[]} lines @param {Command} command @param {Entries} catalogue */
function overlay(lines, { method, args }, catalogue) {
  const at = (/** @type {(l: Line) => boolean} */ fits, /** @type {number} */ quantity) => {
    const i = lines.findIndex(fits);
    if (i >= 0) lines[i] = { ...lines[i], quantity, total: times(lines[i].price, quantity), unsure: true };
    return i >= 0;
  };
  switch (method) {
    case "cart.add_line": {
      const line = lines.find((l) => l.sku === args.sku);
      if (line) return at((l) => l === line, line.quantity + args.quantity);
      const item = catalogue[`sku/${args.sku}`]?.doc;
      if (!item) return false;
      const total = times(item.price, args.quantity);
      lines.push({ id: "", sku: args.sku, name: item.name, quantity: args.quantity, price: item.price, total, unsure: true });
      return true;
    }
    case "cart.set_quantity":
      return at((l) => l.id === args.line, args.quantity);
    case "cart.remove_line":
      return at((l) => l.id === args.line, 0);
  }
  return false;
}

/** What a point is worth and brings, unless the loyalty entry says otherwise. */
const VALUE = 10;
const EARN = 1;

/**
 * How an order is paid: as many points as asked and possible, the rest by card.
 *
 * @param {Money} total
 * @param {any} loyalty the entry's document
 * @param {boolean} usePoints
 */
export function payment(total, loyalty, usePoints) {
  const value = loyalty?.value ?? VALUE;
  const have = Math.max(0, (loyalty?.balance ?? 0) - (loyalty?.held ?? 0));
  const most = Math.min(have, Math.floor(total.amount / value));
  const points = usePoints ? most : 0;
  const card = minus(total, { amount: points * value, currency: total.currency });
  const earned = Math.floor((card.amount / 100) * (loyalty?.earn ?? EARN));
  /** @type {Record<string, object>} */
  const tenders = {};
  if (points) tenders.t1 = { type: "points", points };
  if (card.amount || !points) tenders.t2 = { type: "card", amount: card };
  return { most, points, card, earned, tenders };
}
