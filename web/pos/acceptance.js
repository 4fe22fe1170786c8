import { html } from "../shared/html.js";
import { clockTime } from "../shared/time.js";
import { usePage, useSend } from "../shared/page.js";

const choices = [
  ["accepting", "Taking orders"],
  ["slow", "Busy: promise later"],
  ["paused", "No orders for now"],
];

/** Whether the store takes orders from afar. @param {{store: import("../shared/channel.js").Channel}} props */
export function Acceptance({ store }) {
  const { commands } = usePage();
  const send = useSend();
  const doc = store.entries.value.store?.doc ?? { acceptance: "accepting" };
  const under = commands.pending.value.find((c) => c.method === "store.set_acceptance");
  const now = under?.args.acceptance ?? doc.acceptance;
  const choose = (/** @type {Event} */ e) => send("store.set_acceptance", store.name, { acceptance: /** @type {HTMLSelectElement} */ (e.currentTarget).value });

  return html`<label class="acceptance ${now}">
    <select aria-label="Orders from afar" disabled=${!!under} value=${now} onChange=${choose}>
      ${choices.map(([word, label]) => html`<option value=${word} selected=${word === now}>${label}</option>`)}
    </select>
    ${doc.until && !under && html`<small>until ${clockTime(doc.until)}</small>`}
  </label>`;
}
