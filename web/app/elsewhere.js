/**
 * What a customer is told of a change that this page did not make; nothing of most.
 *
 * @param {import("../shared/entries.js").HubEvent} event
 * @returns {string | undefined}
 */
export function tell({ type, by }) {
  if (type === "cart.price_changed") return "A price in your cart has changed";
  const here = by.role === "customer";
  if (type === "order.placed" && here) return "Ordered on your other device";
  if (type.startsWith("cart.") && here) return "Your cart was changed on your other device";
  if (type.startsWith("cart.") && by.role !== "system") return `${by.name ?? `Our ${by.role}`} changed your cart`;
}
