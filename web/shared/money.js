/** @typedef {{amount: number, currency: string}} Money minor units of an ISO 4217 currency */

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {string} currency */
function format(currency) {
  let f = formats.get(currency);
  if (!f) formats.set(currency, (f = new Intl.NumberFormat("en-US", { style: "currency", currency })));
  return f;
}

/** How many minor units a major unit has: 100 for USD, 1 for JPY, 1000 for KWD. @param {string} currency */
export function minorUnits(currency) {
  return 10 ** (format(currency).resolvedOptions().maximumFractionDigits ?? 2);
}

/** An amount as a person reads it: "$4.50"; "" if there is none. @param {Money | undefined | null} m */
export function money(m) {
  if (!m || typeof m.amount !== "number" || !m.currency) return "";
  return format(m.currency).format(m.amount / minorUnits(m.currency));
}

/** @param {Money} m @param {number} n a whole number */
export function times(m, n) {
  return { amount: m.amount * n, currency: m.currency };
}

/** @param {Money} a @param {Money} b */
export function minus(a, b) {
  if (a.currency !== b.currency) throw new RangeError(`${a.currency} and ${b.currency} do not subtract`);
  return { amount: a.amount - b.amount, currency: a.currency };
}

/** The sum of a list, in the currency given. @param {Money[]} list @param {string} currency */
export function sum(list, currency) {
  let amount = 0;
  for (const m of list) {
    if (m.currency !== currency) throw new RangeError(`${m.currency} and ${currency} do not add`);
    amount += m.amount;
  }
  return { amount, currency };
}
