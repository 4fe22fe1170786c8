/** @typedef {{id: string, name: string}} Store */

/** The demo's stores. */
const DEMO = [
  { id: "s1", name: "Market Street" },
  { id: "s2", name: "Harbour" },
];

/** The stores to choose from: those of `?stores=s1:Market Street,s2:Harbour`, else the demo's. @returns {Store[]} */
export function stores(query = new URLSearchParams(location.search)) {
  const given = query.get("stores");
  if (!given) return DEMO;
  return given.split(",").map((pair) => {
    const [id, name] = pair.split(":");
    return { id, name: name || id };
  });
}

/** @param {Store[]} list @param {string} id */
export function storeName(list, id) {
  return list.find((s) => s.id === id)?.name ?? id;
}
