import { html } from "./html.js";
import { linesOf } from "./lines.js";
import { money } from "./money.js";
import { ofKind } from "./entries.js";
import { Chip } from "./chip.js";

/** What a customer has in the cart, as staff see it: a line that changes lights up. @param {{context: import("./channel.js").Channel}} props */
export function CartCard({ context }) {
  const carts = ofKind(context.entries.value, "cart").filter(([, { doc }]) => doc.state === "active" && Object.keys(doc.lines ?? {}).length);
  if (!carts.length) return html`<p class="empty">Empty</p>`;
  return carts.map(
    ([id, { doc, v }]) => html`<section key=${id} class="card" data-version=${v}>
      <ul class="sold">
        ${linesOf(doc).map(([line, l]) => html`<li key="${line} ${l.quantity} ${l.price.amount}" class="fresh"><b>${l.quantity}</b> ${l.name}<span>${money(l.total)}</span></li>`)}
      </ul>
      <p class="total"><span>Total</span><b>${money(doc.total)}</b></p>
      <footer><${Chip} stamp=${context.stamps.value[`cart/${id}`]} /></footer>
    </section>`,
  );
}
