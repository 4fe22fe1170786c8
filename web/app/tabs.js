import { html } from "../shared/html.js";

const tabs = [
  ["menu", "Menu"],
  ["cart", "Cart"],
  ["orders", "Orders"],
  ["chat", "Chat"],
  ["you", "You"],
];

/** @param {{tab: string, choose: (tab: string) => void, badges: Record<string, number>}} props */
export function Tabs({ tab, choose, badges }) {
  return html`<nav class="tabs" aria-label="Parts of the app">
    ${tabs.map(
      ([id, label]) => html`<button type="button" aria-current=${tab === id ? "page" : undefined} onClick=${() => choose(id)}>
        ${label}${badges[id] > 0 && html`<span class="badge" aria-label="${badges[id]} in ${label}">${badges[id]}</span>`}
      </button>`,
    )}
  </nav>`;
}
