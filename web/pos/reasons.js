import { html } from "../shared/html.js";

const reasons = [
  ["out_of_stock", "Sold out"],
  ["closed", "Closing"],
  ["customer_request", "Customer asked"],
];

/** Asks why. @param {{choose: (reason: string) => void, close: () => void}} props */
export function Reasons({ choose, close }) {
  return html`<div class="actions reasons" role="group" aria-label="Why is it cancelled?">
    ${reasons.map(([reason, label]) => html`<button type="button" class="soft bad" onClick=${() => choose(reason)}>${label}</button>`)}
    <button type="button" class="soft" onClick=${close}>Keep</button>
  </div>`;
}
