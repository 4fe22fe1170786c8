/** The lines of a cart, an order or a ticket, as they are to be shown: [id, line]. @param {any} doc @returns {[string, any][]} */
export function linesOf(doc) {
  const lines = /** @type {[string, any][]} */ (Object.entries(doc?.lines ?? {}));
  return lines.sort(([a, x], [b, y]) => (x.order ?? 0) - (y.order ?? 0) || a.localeCompare(b));
}
