import { useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { seconds } from "../shared/clock.js";
import { timer } from "../shared/time.js";
import { CartCard } from "../shared/cart_card.js";
import { useChannel, usePage, useSend } from "../shared/page.js";

/** @typedef {{context: string, until: string}} Guest a customer who has checked in here */

/** Takes the code that a customer shows, and shows what they let this till see. */
export function CheckIn() {
  const { commands } = usePage();
  const send = useSend();
  const [guest, setGuest] = useState(/** @type {Guest | null} */ (null));
  const submit = async (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const form = /** @type {HTMLFormElement} */ (e.currentTarget);
    const { result } = await send("context.check_in", "", { code: String(new FormData(form).get("code")).trim() });
    if (!result) return;
    form.reset();
    setGuest(result);
  };
  return html`<section class="panel" aria-label="Check in">
    <h2>Check in</h2>
    <form class="check-in" onSubmit=${submit}>
      <input name="code" inputmode="numeric" pattern="[0-9 ]*" maxlength="12" required aria-label="The customer's code" placeholder="Code" autocomplete="off" />
      <button class="primary" disabled=${commands.has((c) => c.method === "context.check_in")}>Check in</button>
    </form>
    ${guest && html`<${Present} key=${guest.context} guest=${guest} />`}
  </section>`;
}

/** @param {{guest: Guest}} props */
function Present({ guest }) {
  const channel = useChannel(`context:${guest.context}`);
  const { profile, loyalty } = channel.entries.value;
  const left = Date.parse(guest.until) - seconds.value;
  if (left <= 0 || channel.state.value === "denied") return html`<p class="empty">The check-in is over</p>`;
  return html`<div class="guest">
    <p><b class="name">${profile?.doc.traits?.first_name ?? "Customer"}</b> <small role="timer" aria-live="off">for ${timer(left)}</small></p>
    ${loyalty && html`<p>${loyalty.doc.balance} points</p>`}
    <h2>Cart</h2>
    <${CartCard} context=${channel} />
  </div>`;
}
