import { money } from "./money.js";

/** @typedef {{code: string, message: string, details?: any}} Problem a refusal: nothing was changed */

/** @type {Record<string, (details: any, problem: Problem) => string>} */
const words = {
  out_of_stock: (d) => (d.available ? `Only ${d.available} left` : "Sold out at this store"),
  price_changed: (d) => `The price changed${d.new?.currency ? ` to ${money(d.new)}` : ""}. Please look again before you pay`,
  insufficient_points: (d) => `Not enough points${d.balance === undefined ? "" : ` (${d.balance} left)`}`,
  store_not_accepting: () => "This store takes no orders just now",
  cart_not_active: () => "This cart was already ordered",
  cart_locked: (d) => `${d.by?.name ?? "Somebody"} is working on this cart`,
  already_claimed: (d) => `Already taken by ${d.owner?.name ?? d.owner?.id ?? "somebody else"}`,
  not_owner: (d) => `${d.owner?.name ?? d.owner?.id ?? "Somebody else"} has this conversation`,
  conflict: () => "This changed meanwhile on another device. Please look again",
  too_late_to_cancel: () => "Too late to cancel: it is being made",
  wrong_collect_code: () => "That is not this order's code",
  unavailable: () => "The hub could not store this just now",
  unreached: () => "The hub could not be reached. Nothing is known to have changed",
  forbidden: () => "You may not do this",
};

/** What a person is told. @param {Problem} problem */
export function say(problem) {
  const told = words[problem.code]?.(problem.details ?? {}, problem);
  return told ?? sentence(problem.message || problem.code);
}

/** @param {string} text */
function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
