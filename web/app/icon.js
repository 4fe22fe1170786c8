import { html } from "../shared/html.js";

const shapes = {
  cup: ["M4 8h11v6a5 5 0 0 1-5 5H9a5 5 0 0 1-5-5z", "M15 10h2a2.5 2.5 0 0 1 0 5h-2", "M8 3v2M11 3v2"],
  glass: ["M6 6h12l-1.5 14h-9z", "M7 11h10", "M13 6l2-4"],
  pastry: ["M3 15c0-6 4-9 9-9s9 3 9 9c-3 2-4-1-6-1-1 2-5 2-6 0-2 0-3 3-6 1z", "M9 7l1 6M15 7l-1 6"],
  cookie: ["M12 3a9 9 0 1 0 9 9c-2 0-3-1-3-3-2 0-3-1-3-3-2 0-3-1-3-3z", "M9 10v.01M9 15v.01M14 14v.01"],
  sandwich: ["M3 11l9-7 9 7z", "M4 14h16", "M5 17h14v2H5z"],
};

/** @type {[RegExp, keyof typeof shapes][]} */
const kinds = [
  [/cold|iced|juice|lemonade|water|smoothie/, "glass"],
  [/croissant|bun|roll|muffin|danish|scone|brioche|pain/, "pastry"],
  [/cookie|brownie|cake|tart/, "cookie"],
  [/sandwich|toast|bagel|wrap|salad/, "sandwich"],
];

/** What sort of thing an item is, as far as its sku tells. @param {string} sku */
export function kindOf(sku) {
  return kinds.find(([words]) => words.test(sku))?.[1] ?? "cup";
}

/** A small drawing for an item. It says nothing that its name does not. @param {{sku: string}} props */
export function ItemIcon({ sku }) {
  const kind = kindOf(sku);
  return html`<svg class="item-icon ${kind}" viewBox="0 0 24 24" aria-hidden="true">
    ${shapes[kind].map((d) => html`<path d=${d} />`)}
  </svg>`;
}
