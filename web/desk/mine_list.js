import { html } from "../shared/html.js";
import { seconds } from "../shared/clock.js";
import { span } from "../shared/time.js";
import { Chip } from "../shared/chip.js";

/**
 * @typedef {{context: string, conversation: string}} Place where a conversation is
 * @typedef {[string, import("../shared/entries.js").Entry]} Row
 */

const standing = /** @type {Record<string, string>} */ ({ wrapup: "wrapping up", snoozed: "snoozed" });

/**
 * The conversations that are this agent's, the one that waits longest for a word first.
 *
 * @param {{rows: Row[], stamps: Record<string, any>, open: Place | null, choose: (place: Place) => void}} props
 */
export function MineList({ rows, stamps, open, choose }) {
  return html`<section aria-label="Mine">
    <h2>Mine <span class="badge">${rows.length}</span></h2>
    <ul>
      ${rows.map(
        ([id, { doc }]) => html`<li key=${id}>
          <button type="button" class="row open" aria-current=${open?.conversation === id ? "true" : undefined} onClick=${() => choose({ context: doc.context, conversation: id })}>
            ${doc.unanswered_since && html`<span class="waiting">waits ${span(seconds.value - Date.parse(doc.unanswered_since))}</span>`}
            <b>${doc.customer || doc.context}</b> <small>${standing[doc.status] ?? doc.channel}</small>
            ${doc.unread > 0 && html` <span class="badge" aria-label="${doc.unread} unread">${doc.unread}</span>`}
            <p>${doc.last_message?.text ?? doc.summary ?? ""}</p>
            <${Chip} stamp=${stamps[`conversation/${id}`]} />
          </button>
        </li>`,
      )}
    </ul>
    ${!rows.length && html`<p class="empty">None yet</p>`}
  </section>`;
}

/** @param {Row} a @param {Row} b */
export function neediest([a, x], [b, y]) {
  return (x.doc.unanswered_since ?? "9").localeCompare(y.doc.unanswered_since ?? "9") || (x.doc.owned_at ?? "").localeCompare(y.doc.owned_at ?? "") || a.localeCompare(b);
}
