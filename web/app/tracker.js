import { html } from "../shared/html.js";
import { linesOf } from "../shared/lines.js";
import { money } from "../shared/money.js";
import { seconds } from "../shared/clock.js";
import { clockTime, span } from "../shared/time.js";
import { Chip } from "../shared/chip.js";
import { usePage } from "../shared/page.js";
import { storeName } from "./stores.js";

const STEPS = ["Placed", "Making", "Ready", "Picked up"];

/** A pickup's state -> the step it stands at. */
const STEP = /** @type {Record<string, number>} */ ({ proposed: 0, reserved: 1, prepared: 2, completed: 3 });

/**
 * One order on its way.
 *
 * @param {{id: string, order: any, stamp: any, stores: {id: string, name: string}[], points?: {before: number, now: number},
 *   act: (method: string, order: string, args?: object) => void}} props
 */
export function Tracker({ id, order, stamp, stores, points, act }) {
  const { commands } = usePage();
  const busy = (/** @type {string} */ method) => commands.has((c) => c.method === method && c.args.order === id);
  const fulfilment = Object.values(order.fulfilments ?? {})[0] ?? {};
  const step = STEP[fulfilment.state] ?? -1;
  const ended = order.order_state === "cancelled" || ["canceled", "failed"].includes(fulfilment.state);
  const reason = fulfilment.reason ?? order.cancelled?.reason;
  const store = storeName(stores, fulfilment.store ?? order.store);
  return html`<section class="card tracker ${ended ? "ended" : ""}" aria-label="Order ${order.number}" data-order=${id}>
    <header>
      <b>${order.number ? `Order ${order.number}` : "Your order"}</b>
      <span>${store} · ${money(order.total)}</span>
    </header>
    ${ended
      ? html`<p class="problem">Cancelled${reason ? `: ${words(reason)}` : ""}</p>`
      : html`<ol class="steps" aria-label="Progress">
          ${STEPS.map((name, i) => html`<li class=${i < step ? "done" : i === step ? "now" : ""} aria-current=${i === step ? "step" : undefined}><i aria-hidden="true"></i>${name}</li>`)}
        </ol>
        <p class="promise">${promise(step, order.promised_at ?? fulfilment.promised_at)}</p>
        ${fulfilment.collect_code && step < 3 && html`<p class="code">Pickup code <b>${fulfilment.collect_code}</b></p>`}
        ${step >= 0 && step < 3 && html`<p class="doing">
          ${fulfilment.arrived_at
            ? html`<span>The store knows that you are here</span>`
            : html`<button type="button" class="soft" disabled=${busy("fulfilment.arrive")} onClick=${() => act("fulfilment.arrive", id)}>I'm here</button>`}
          ${step === 0 && html`<button type="button" class="soft" disabled=${busy("order.cancel")} onClick=${() => act("order.cancel", id, { reason: "changed my mind" })}>${busy("order.cancel") ? "Cancelling…" : "Cancel order"}</button>`}
        </p>`}`}
    <ul class="sold">${linesOf(order).map(([line, l]) => html`<li key=${line}>${l.quantity} × ${l.name}</li>`)}</ul>
    <footer>
      <span class="paid ${order.payment_state}">${words(order.payment_state)}</span>
      ${points && points.before !== points.now && html`<span class="points-move">${points.before} → <b>${points.now}</b> points <small>${ledger(order)}</small></span>`}
      ${!points && order.points_earned > 0 && html`<span class="points-move"><b>+${order.points_earned}</b> points</span>`}
      <${Chip} stamp=${stamp} />
    </footer>
  </section>`;
}

/** What the order took of the points and brought. @param {any} order */
function ledger(order) {
  const spent = Object.values(order.tenders ?? {}).reduce((n, t) => n + (t.points ?? 0), 0);
  return [spent > 0 && `${spent} spent`, order.points_earned > 0 && `${order.points_earned} earned`].filter(Boolean).join(", ");
}

/** @param {number} step @param {string | undefined} at */
function promise(step, at) {
  if (step === 3) return "Enjoy!";
  if (step === 2) return "Ready for you at the counter";
  if (!at) return step === 1 ? "Being made now" : "The store has your order";
  const left = Date.parse(at) - seconds.value;
  return left > 0 ? `Ready by ${clockTime(at)}, in about ${span(Math.max(left, 60_000))}` : `Was due at ${clockTime(at)}. It will not be long`;
}

/** "balance_due" -> "balance due" @param {string | undefined} code */
function words(code) {
  return (code ?? "").replaceAll("_", " ");
}
