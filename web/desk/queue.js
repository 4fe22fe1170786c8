import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { seconds } from "../shared/clock.js";
import { span } from "../shared/time.js";
import { Chip } from "../shared/chip.js";
import { useChannel, usePage } from "../shared/page.js";
import { Offers } from "./offers.js";

/** @typedef {import("./mine_list.js").Place} Place */

/**
 * What waits in a queue, oldest first. A row that somebody else took stays a moment, to say who.
 *
 * @param {{queue: string, lost: Record<string, string>, open: Place | null, choose: (place: Place) => void, claim: (place: Place) => void}} props
 */
export function Queue({ queue, lost, open, choose, claim }) {
  const { commands, session } = usePage();
  const channel = useChannel(`queue:${queue}`);
  const rows = ofKind(channel.entries.value, "conversation").sort(oldest);
  const offers = ofKind(channel.entries.value, "offer").filter(([, { doc }]) => doc.offer.from.id !== session.id);
  const gone = Object.entries(lost).filter(([id]) => !rows.some(([row]) => row === id));
  const busy = (/** @type {string} */ id) => commands.has((c) => c.method === "conversation.claim" && c.args.conversation === id);

  return html`<section class="queue" aria-label="Queue ${queue}">
    <h2>Waiting in ${queue} <span class="badge">${rows.length}</span></h2>
    <${Offers} rows=${offers} stamps=${channel.stamps.value} open=${open} choose=${choose} />
    <ul>
      ${rows.map(
        ([id, { doc }]) => html`<li key=${id} class="row ${lost[id] ? "lost" : ""}" data-conversation=${id}>
          <b>${doc.customer || doc.context}</b>
          <span class="waiting">${doc.waiting_since ? `waits ${span(seconds.value - Date.parse(doc.waiting_since))}` : ""}</span>
          <p>${doc.summary ?? doc.last_message?.text ?? (doc.reason ?? "").replaceAll("_", " ")}</p>
          <footer>
            <small>${[doc.channel, doc.priority > 0 && `priority ${doc.priority}`].filter(Boolean).join(" · ")}</small>
            <${Chip} stamp=${channel.stamps.value[`conversation/${id}`]} />
            ${lost[id]
              ? html`<b class="problem">Taken by ${lost[id]}</b>`
              : html`<button type="button" class="primary" disabled=${busy(id)} onClick=${() => claim({ context: doc.context, conversation: id })}>${busy(id) ? "Taking…" : "Take"}</button>`}
          </footer>
        </li>`,
      )}
      ${gone.map(([id, who]) => html`<li key=${id} class="row lost"><b class="problem">Already taken by ${who}</b></li>`)}
    </ul>
    ${!rows.length && !gone.length && html`<p class="empty">${channel.state.value === "denied" ? "This queue is not yours to see" : "Nobody is waiting"}</p>`}
  </section>`;
}

/** As the queue is served: who waits longest, then what is urgent. @param {[string, any]} a @param {[string, any]} b */
function oldest([a, x], [b, y]) {
  return (x.doc.waiting_since ?? "").localeCompare(y.doc.waiting_since ?? "") || (y.doc.priority ?? 0) - (x.doc.priority ?? 0) || a.localeCompare(b);
}
