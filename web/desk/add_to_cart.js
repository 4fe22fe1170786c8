import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { money } from "../shared/money.js";
import { useChannel, useSend } from "../shared/page.js";

/** Puts something into the customer's cart for them. @param {{on: string}} props */
export function AddToCart({ on }) {
  const send = useSend();
  const items = ofKind(useChannel("catalog:default").entries.value, "sku").sort(([, x], [, y]) => x.doc.name.localeCompare(y.doc.name));
  const add = (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const sku = new FormData(/** @type {HTMLFormElement} */ (e.currentTarget)).get("sku");
    send("cart.add_line", on, { sku, quantity: 1 });
  };
  return html`<form class="add-to-cart" onSubmit=${add}>
    <select name="sku" aria-label="Item">${items.map(([sku, { doc }]) => html`<option value=${sku}>${doc.name}, ${money(doc.price)}</option>`)}</select>
    <button class="soft" disabled=${!items.length}>Add to cart</button>
  </form>`;
}
