import { html } from "../shared/html.js";
import { seconds } from "../shared/clock.js";
import { timer } from "../shared/time.js";
import { Chip } from "../shared/chip.js";
import { usePage, useSend } from "../shared/page.js";

/** From when on an offer is about to be gone, in milliseconds. */
const SOON = 10_000;

/**
 * What colleagues offer to this agent, or to a queue of theirs: the one that ends first on top.
 *
 * @param {{rows: import("./mine_list.js").Row[], stamps: Record<string, any>, open: import("./mine_list.js").Place | null,
 *   choose: (place: import("./mine_list.js").Place) => void}} props
 */
export function Offers({ rows, stamps, open, choose }) {
  const sorted = [...rows].sort(([, x], [, y]) => (x.doc.offer.expires_at ?? "").localeCompare(y.doc.offer.expires_at ?? ""));
  return html`<ul class="offers" aria-label="Offers">
    ${sorted.map(([id, { doc }]) => html`<${OfferCard} key=${id} id=${id} doc=${doc} stamp=${stamps[`offer/${id}`]} open=${open?.conversation === id} choose=${choose} />`)}
  </ul>`;
}

/** @param {{id: string, doc: any, stamp: any, open: boolean, choose: (place: import("./mine_list.js").Place) => void}} props */
function OfferCard({ id, doc, stamp, open, choose }) {
  const { commands } = usePage();
  const send = useSend();
  const { offer } = doc;
  const place = { context: doc.context, conversation: id };
  const answer = async (/** @type {string} */ method) => {
    const { problem } = await send(method, `context:${doc.context}`, { conversation: id });
    if (!problem && method === "conversation.accept") choose(place);
  };
  const busy = commands.has((c) => c.args.conversation === id && /accept|decline/.test(c.method));
  const left = Date.parse(offer.expires_at) - seconds.value;
  const from = offer.from?.name ?? offer.from?.id ?? "A colleague";

  if (offer.state === "accepted") {
    return html`<li class="row offer ${open ? "open" : ""}">
      <b>${doc.customer || doc.context}</b> <small>you advise ${from}</small>
      <footer>
        <${Chip} stamp=${stamp} />
        <button type="button" class="soft" onClick=${() => choose(place)}>Open</button>
        <button type="button" class="soft" disabled=${busy} onClick=${() => answer("conversation.decline")}>Leave</button>
      </footer>
    </li>`;
  }
  return html`<li class="row offer">
    <b>${doc.customer || doc.context}</b> <span class="waiting" role="timer" aria-live="off">${timer(left)}</span>
    ${left < SOON && html`<small class="problem" role="alert">about to end</small>`}
    <p>${from} ${offer.kind === "warm" ? "asks you to join" : "hands over"}${offer.to.type === "queue" && ` to ${offer.to.id}`}${offer.note && `: ${offer.note}`}</p>
    <p>${doc.summary ?? doc.last_message?.text ?? ""}</p>
    <footer>
      <${Chip} stamp=${stamp} />
      <button type="button" class="primary" disabled=${busy} onClick=${() => answer("conversation.accept")}>${offer.kind === "warm" ? "Join" : "Accept"}</button>
      <button type="button" class="soft" disabled=${busy} onClick=${() => answer("conversation.decline")}>Decline</button>
    </footer>
  </li>`;
}
