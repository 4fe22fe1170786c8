import { useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { seconds } from "../shared/clock.js";
import { clockTime, timer } from "../shared/time.js";
import { usePage, useSend } from "../shared/page.js";

/** What a customer may consent to, with what it means to them. */
const uses = [
  ["analytics", "Let the shop learn from what I look at"],
  ["marketing", "Let the shop write to me when I leave a cart behind"],
];

/** How many movements of points are shown. */
const MOVES = 5;

/** What the shop knows of the customer, and what they can say to that. @param {{context: import("../shared/channel.js").Channel}} props */
export function You({ context }) {
  const { profile, loyalty, check_in } = context.entries.value;
  return html`<${CheckIn} on=${context.name} doc=${check_in?.doc} />
    ${loyalty && html`<${Points} doc=${loyalty.doc} />`}
    <${Consents} on=${context.name} consents=${profile?.doc.consents ?? {}} />
    <${Data} on=${context.name} />`;
}

/** A code that lets a till see cart and points for a while. @param {{on: string, doc: any}} props */
function CheckIn({ on, doc }) {
  const { commands } = usePage();
  const send = useSend();
  const left = doc?.code ? Date.parse(doc.expires_at) - seconds.value : 0;
  return html`<section class="card you" aria-label="At the till">
    <h2>At the till</h2>
    ${left > 0
      ? html`<p>Show this code: <b class="digits">${doc.code}</b> <small role="timer" aria-live="off">for ${timer(left)}</small></p>`
      : html`<p>The till then sees your cart and points, for a quarter of an hour.</p>
          <button type="button" class="soft" disabled=${commands.has((c) => c.method === "context.check_in_code")} onClick=${() => send("context.check_in_code", on, {})}>Show a code</button>`}
  </section>`;
}

/** @param {{doc: any}} props */
function Points({ doc }) {
  const moves = Object.values(doc.ledger ?? {}).sort((a, b) => b.order - a.order).slice(0, MOVES);
  return html`<section class="card you" aria-label="Points">
    <h2>${doc.balance} points</h2>
    <ul class="sold">
      ${moves.map((m) => html`<li key=${m.order}><b>${m.points > 0 ? "+" : "−"}${Math.abs(m.points)}</b> ${m.reason ?? m.kind}<span>${new Date(m.at).toLocaleDateString("en-US", { month: "short", day: "numeric" })}, ${clockTime(m.at)}</span></li>`)}
    </ul>
  </section>`;
}

/** @param {{on: string, consents: Record<string, {status: string}>}} props */
function Consents({ on, consents }) {
  const { commands } = usePage();
  const send = useSend();
  return html`<section class="card you" aria-label="What you agree to">
    <h2>What you agree to</h2>
    ${uses.map(([type, words]) => {
      const under = commands.pending.value.find((c) => c.method === "profile.set_consent" && c.args.type === type);
      const granted = (under?.args.status ?? consents[type]?.status) === "grant";
      return html`<label class="switch"><input type="checkbox" checked=${granted} disabled=${!!under}
        onChange=${() => send("profile.set_consent", on, { type, status: granted ? "revoke" : "grant" })} /> ${words}</label>`;
    })}
  </section>`;
}

/** @param {{on: string}} props */
function Data({ on }) {
  const send = useSend();
  const [asking, setAsking] = useState(false);
  const download = async () => {
    const { result } = await send("context.export", on, {});
    if (!result) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(result, null, 2)], { type: "application/json" }));
    link.download = `${on.replace(":", "-")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  return html`<section class="card you" aria-label="Your data">
    <h2>Your data</h2>
    ${asking
      ? html`<p>Your profile, points, cart and conversations will be gone for good. Of your orders the amounts stay.</p>
          <div class="row-of">
            <button type="button" class="soft bad" onClick=${() => send("context.erase", on, {})}>Erase everything</button>
            <button type="button" class="soft" onClick=${() => setAsking(false)}>Keep</button>
          </div>`
      : html`<div class="row-of">
          <button type="button" class="soft" onClick=${download}>Download</button>
          <button type="button" class="soft" onClick=${() => setAsking(true)}>Erase…</button>
        </div>`}
  </section>`;
}
