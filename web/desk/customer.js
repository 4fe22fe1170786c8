import { html } from "../shared/html.js";
import { linesOf } from "../shared/lines.js";
import { money } from "../shared/money.js";
import { ofKind } from "../shared/entries.js";
import { CartCard } from "../shared/cart_card.js";
import { Chip } from "../shared/chip.js";
import { useChannel } from "../shared/page.js";
import { AddToCart } from "./add_to_cart.js";
import { Contact } from "./contact.js";

/** The customer whose conversation is open, live. @param {{context: string}} props */
export function Customer({ context }) {
  const channel = useChannel(`context:${context}`);
  const entries = channel.entries.value;
  const stamps = channel.stamps.value;
  const traits = entries.profile?.doc.traits ?? {};
  const loyalty = entries.loyalty?.doc;
  const orders = ofKind(entries, "order").sort((a, b) => b[1].v - a[1].v);

  return html`<aside class="pane customer" aria-label="Customer" tabindex="0">
    <section class="card who">
      <b>${traits.name ?? ([traits.first_name, traits.last_name].filter(Boolean).join(" ") || context)}</b>
      <small>${context}</small>
      <${Contact} on=${channel.name} />
      ${loyalty && html`<p><b>${loyalty.balance}</b> points <${Chip} stamp=${stamps.loyalty} /></p>`}
    </section>
    <h2>Cart</h2>
    <${CartCard} context=${channel} />
    <${AddToCart} on=${channel.name} />
    <h2>Orders <span class="badge">${orders.length}</span></h2>
    ${orders.map(([id, { doc }]) => html`<${Order} key=${id} doc=${doc} stamp=${stamps[`order/${id}`]} />`)}
    ${!orders.length && html`<p class="empty">None</p>`}
  </aside>`;
}

const steps = /** @type {Record<string, string>} */ ({
  proposed: "Placed", reserved: "Making", prepared: "Ready", completed: "Picked up", canceled: "Cancelled", failed: "Failed",
});

/** @param {{doc: any, stamp: any}} props */
function Order({ doc, stamp }) {
  const fulfilment = /** @type {any} */ (Object.values(doc.fulfilments ?? {})[0] ?? {});
  return html`<section class="card">
    <header><b>${doc.number ?? "Order"}</b><span key=${fulfilment.state} class="step fresh ${fulfilment.state}">${steps[fulfilment.state] ?? doc.order_state}</span></header>
    <ul class="sold">
      ${linesOf(doc).map(([line, l]) => html`<li key=${line}><b>${l.quantity}</b> ${l.name}</li>`)}
    </ul>
    <footer><span class="paid ${doc.payment_state}">${(doc.payment_state ?? "").replaceAll("_", " ")} ${money(doc.total)}</span><${Chip} stamp=${stamp} /></footer>
  </section>`;
}
