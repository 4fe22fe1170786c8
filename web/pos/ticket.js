import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { linesOf } from "../shared/lines.js";
import { money } from "../shared/money.js";
import { Chip } from "../shared/chip.js";
import { usePage, useSend } from "../shared/page.js";
import { Age, Due } from "./age.js";
import { Reasons } from "./reasons.js";
import { stepsOf, undoOf } from "./steps.js";

/**
 * One order. `held` is the ticket that was acted on last: when it turns up in the next column the
 * keyboard's focus, which went with the pressed button, is given back to it.
 *
 * @param {{order: string, doc: any, stamp: any, held: {current: string}}} props
 */
export function Ticket({ order, doc, stamp, held }) {
  const { commands, toasts } = usePage();
  const send = useSend();
  const [asking, setAsking] = useState(false);
  const on = `context:${doc.context}`;
  const name = doc.ticket_name || doc.number;
  const busy = commands.pending.value.find((c) => c.args.order === order)?.method;
  const cancel = doc.column === "new" ? "fulfilment.reject" : "order.cancel";

  const element = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (held.current === order && document.activeElement === document.body) element.current?.querySelector("button")?.focus();
  }, []);

  const act = async (/** @type {string} */ method, args = {}) => {
    held.current = order;
    const { problem } = await send(method, on, { order, ...args });
    const undo = undoOf(method);
    if (!problem && undo) toasts.show(`${name} ${undo.says}`, "info", { label: "Undo", now: () => send(undo.method, on, { order }) });
  };
  const refuse = (/** @type {string} */ reason) => {
    setAsking(false);
    act(cancel, { reason });
  };

  return html`<li class="ticket ${busy ? "unsure" : ""}" data-order=${order} ref=${element}>
    <header>
      <b class="name">${name}</b>
      ${doc.column !== "done" && html`<${Age} since=${doc.placed_at} />`}
    </header>
    <p class="meta">
      <span>${[doc.number, doc.channel, doc.type === "shipment" && "to ship"].filter(Boolean).join(" · ")}</span>
      ${doc.column !== "done" && html`<${Due} at=${doc.promised_at} kept=${doc.column === "ready"} />`}
    </p>
    ${doc.customer_here && doc.column !== "done" && html`<p class="here">Customer is here${doc.arrival && `: ${doc.arrival}`}</p>`}
    ${doc.attention && html`<p class="attention"><b>Look at this:</b> ${doc.attention.replaceAll("_", " ")}</p>`}
    <ul class="sold">
      ${linesOf(doc).map(([line, l]) => html`<li key=${line}><b>${l.quantity}</b> ${l.name}</li>`)}
    </ul>
    <p class="due">${due(doc)} <${Chip} stamp=${stamp} /></p>
    ${asking
      ? html`<${Reasons} choose=${refuse} close=${() => setAsking(false)} />`
      : html`<div class="actions">
          ${stepsOf(doc).map(
            ([method, label], i) =>
              html`<button type="button" class=${i || doc.column === "done" ? "soft" : "primary"} disabled=${!!busy} onClick=${() => act(method)}>${busy === method ? `${label}…` : label}</button>`,
          )}
          ${["new", "making"].includes(doc.column) &&
          html`<button type="button" class="soft" disabled=${!!busy} aria-label="Cancel ${name}" onClick=${() => setAsking(true)}>Cancel</button>`}
        </div>`}
  </li>`;
}

/** @param {any} doc */
function due(doc) {
  if (doc.payment_state === "pending") return html`<span class="paid pending">payment under way, ${money(doc.due)}</span>`;
  if (doc.due?.amount > 0) return html`<span class="paid balance_due">due ${money(doc.due)}</span>`;
  return html`<span class="paid">paid</span>`;
}
