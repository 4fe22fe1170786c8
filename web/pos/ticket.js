import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { linesOf } from "../shared/lines.js";
import { money } from "../shared/money.js";
import { clockTime } from "../shared/time.js";
import { Chip } from "../shared/chip.js";
import { usePage, useSend } from "../shared/page.js";
import { Age } from "./age.js";
import { Reasons } from "./reasons.js";

/** What can be done to a ticket in each column: the one to reach for first comes first. */
const actions = /** @type {Record<string, [string, string][]>} */ ({
  new: [["fulfilment.start", "Start"]],
  making: [["fulfilment.ready", "Ready"]],
  ready: [["fulfilment.complete", "Picked up"], ["fulfilment.recall", "Back to making"]],
});

/**
 * One order. `held` is the ticket that was acted on last: when it turns up in the next column the
 * keyboard's focus, which went with the pressed button, is given back to it.
 *
 * @param {{order: string, doc: any, stamp: any, held: {current: string}}} props
 */
export function Ticket({ order, doc, stamp, held }) {
  const { commands } = usePage();
  const send = useSend();
  const [asking, setAsking] = useState(false);
  const on = `context:${doc.context}`;
  const busy = commands.pending.value.find((c) => c.args.order === order)?.method;
  const cancel = doc.column === "new" ? "fulfilment.reject" : "order.cancel";

  const element = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (held.current === order && document.activeElement === document.body) element.current?.querySelector("button")?.focus();
  }, []);

  const act = (/** @type {string} */ method, args = {}) => {
    held.current = order;
    send(method, on, { order, ...args });
  };
  const refuse = (/** @type {string} */ reason) => {
    setAsking(false);
    act(cancel, { reason });
  };

  return html`<li class="ticket ${busy ? "unsure" : ""}" data-order=${order} ref=${element}>
    <header>
      <b class="name">${doc.ticket_name || doc.number}</b>
      ${doc.column !== "done" && html`<${Age} since=${doc.placed_at} />`}
    </header>
    <p class="meta">${[doc.number, doc.channel, doc.promised_at && `by ${clockTime(doc.promised_at)}`].filter(Boolean).join(" · ")}</p>
    ${doc.customer_here && html`<p class="here">Customer is here${doc.arrival && `: ${doc.arrival}`}</p>`}
    <ul class="sold">
      ${linesOf(doc).map(([line, l]) => html`<li key=${line}><b>${l.quantity}</b> ${l.name}</li>`)}
    </ul>
    <p class="due">${due(doc)} <${Chip} stamp=${stamp} /></p>
    ${asking
      ? html`<${Reasons} choose=${refuse} close=${() => setAsking(false)} />`
      : html`<div class="actions">
          ${(actions[doc.column] ?? []).map(
            ([method, label], i) =>
              html`<button type="button" class=${i ? "soft" : "primary"} disabled=${!!busy} onClick=${() => act(method)}>${busy === method ? `${label}…` : label}</button>`,
          )}
          ${["new", "making"].includes(doc.column) &&
          html`<button type="button" class="soft" disabled=${!!busy} aria-label="Cancel ${doc.ticket_name ?? ""}" onClick=${() => setAsking(true)}>Cancel</button>`}
        </div>`}
  </li>`;
}

/** @param {any} doc */
function due(doc) {
  if (doc.payment_state === "pending") return html`<span class="paid pending">payment under way, ${money(doc.due)}</span>`;
  if (doc.due?.amount > 0) return html`<span class="paid balance_due">due ${money(doc.due)}</span>`;
  return html`<span class="paid">paid</span>`;
}
