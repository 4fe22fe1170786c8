import { html } from "../shared/html.js";
import { money } from "../shared/money.js";
import { say } from "../shared/problem.js";
import { Chip } from "../shared/chip.js";
import { ItemIcon } from "./icon.js";

/**
 * The lines of the cart. What the hub has not confirmed is pale and says so.
 *
 * @param {{basket: import("./basket.js").Basket, stamp: any, me: string, change: (line: any, quantity: number) => void}} props
 */
export function CartLines({ basket, stamp, me, change }) {
  if (!basket.lines.length) return html`<p class="empty">Your cart is empty.<br />Add something from the menu.</p>`;
  return html`<section class="card cart" aria-label="Cart">
    <ul class="lines">
      ${basket.lines.map((line) => html`<${CartLine} key=${line.sku} line=${line} me=${me} change=${change} />`)}
    </ul>
    <p class="total"><span>Total ${basket.unsure && html`<small class="saving">saving…</small>`}</span><b>${money(basket.total)}</b></p>
    <footer><${Chip} stamp=${stamp} /></footer>
  </section>`;
}

/** @param {{line: import("./basket.js").Line, me: string, change: (line: any, quantity: number) => void}} props */
function CartLine({ line, me, change }) {
  const other = line.added_by && line.added_by.role !== "customer" ? (line.added_by.name ?? `our ${line.added_by.role}`) : "";
  const button = (/** @type {number} */ quantity, /** @type {string} */ label, /** @type {string} */ sign) =>
    html`<button type="button" class="step" disabled=${!line.id} aria-label="${label} ${line.name}" onClick=${() => change(line, quantity)}>${sign}</button>`;
  return html`<li class=${line.unsure ? "unsure" : ""}>
    <${ItemIcon} sku=${line.sku} />
    <div>
      <b>${line.name}</b>
      <small>${money(line.price)} each${other && html` · added by ${other}`}</small>
      ${Object.keys(line.problems ?? {}).map((code) => html`<small class="note">${say({ code, message: code.replaceAll("_", " "), details: line.problems[code] })}</small>`)}
      ${line.price_change && html`<small class="note">was ${money(line.price_change.old)}, is now ${money(line.price_change.new ?? line.price)}</small>`}
    </div>
    <div class="stepper">
      ${button(line.quantity - 1, line.quantity > 1 ? "One less" : "Remove", "−")}
      <output>${line.quantity}</output>
      ${button(line.quantity + 1, "One more", "+")}
    </div>
    <b class="sum">${money(line.total)}</b>
    ${button(0, "Remove", "×")}
  </li>`;
}
