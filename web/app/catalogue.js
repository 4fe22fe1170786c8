import { html } from "../shared/html.js";
import { money } from "../shared/money.js";
import { ofKind } from "../shared/entries.js";
import { Chip } from "../shared/chip.js";
import { ItemIcon, kindOf } from "./icon.js";

/**
 * What the shop has, priced by the catalogue channel as it is this moment.
 *
 * @param {{catalogue: import("../shared/channel.js").Channel, basket: import("./basket.js").Basket, shelf: ReturnType<typeof import("./shelf.js").useShelf>,
 *   add: (sku: string) => void}} props
 */
export function Catalogue({ catalogue, basket, shelf, add }) {
  const items = ofKind(catalogue.entries.value, "sku").sort(asOnTheBoard);
  if (catalogue.state.value === "loading") return html`<p class="empty">Loading the menu…</p>`;
  if (!items.length) return html`<p class="empty">Nothing is on the menu yet</p>`;
  return html`<ul class="items">
    ${items.map(([sku, { doc }]) => {
      const line = basket.lines.find((l) => l.sku === sku);
      const stamp = catalogue.stamps.value[`sku/${sku}`];
      const status = shelf.status(sku);
      return html`<li key=${sku} class="item">
        <${ItemIcon} sku=${sku} />
        <div>
          <b>${doc.name}</b>
          <span class="price">${money(doc.price)}${status !== "in_stock" && html` <small class="note">${status === "out" ? "sold out here" : "few left"}</small>`}</span>
          ${stamp?.how !== "loaded" && html`<${Chip} stamp=${stamp} />`}
        </div>
        ${line && html`<span class="in-cart ${line.unsure ? "unsure" : ""}" title="in your cart">${line.quantity}</span>`}
        <button type="button" class="add" aria-label="Add ${doc.name}" onClick=${() => add(sku)}>+</button>
      </li>`;
    })}
  </ul>`;
}

const sorts = ["cup", "glass", "pastry", "cookie", "sandwich"];

/** Drinks first, then what goes with them; by name. @param {[string, any]} a @param {[string, any]} b */
function asOnTheBoard([a, x], [b, y]) {
  return sorts.indexOf(kindOf(a)) - sorts.indexOf(kindOf(b)) || x.doc.name.localeCompare(y.doc.name);
}
