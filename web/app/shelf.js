import { useChannel } from "../shared/page.js";

/**
 * What a store can do for a customer: whether it takes orders, and what it has.
 *
 * @param {string} store
 * @returns {{paused: boolean, later: number, status: (sku: string) => "in_stock" | "low" | "out"}}
 */
export function useShelf(store) {
  const entries = useChannel(`store:${store}`).entries.value;
  const doc = entries.store?.doc ?? {};
  return {
    paused: doc.acceptance === "paused",
    later: doc.acceptance === "slow" ? doc.minutes : 0,
    status: (sku) => entries[`sku/${sku}`]?.doc.status ?? "in_stock",
  };
}
