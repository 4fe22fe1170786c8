import { useEffect, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { seconds } from "../shared/clock.js";
import { span, timer } from "../shared/time.js";
import { useChannel, usePage, useSend } from "../shared/page.js";
import { Transcript } from "../shared/transcript.js";
import { useTyping } from "../shared/typing.js";
import { Chip } from "../shared/chip.js";
import { Composer } from "./composer.js";
import { Transfer } from "./transfer.js";

/** A method, what its button says, and what it takes besides the conversation. @typedef {[string, string, object?]} Deed */

/** @param {{place: import("./mine_list.js").Place, unread: number}} props */
export function Conversation({ place, unread }) {
  const { session, commands } = usePage();
  const send = useSend();
  const { context, conversation } = place;
  const channel = useChannel(`context:${context}`);
  const [transferring, setTransferring] = useState(false);
  const [typist, type] = useTyping(channel, conversation);
  const entries = channel.entries.value;
  const doc = entries[`conversation/${conversation}`]?.doc;
  const own = doc?.owner?.type === "agent" && doc.owner.id === session.id;
  const busy = commands.pending.value.find((c) => c.args.conversation === conversation && c.method !== "conversation.mark_read")?.method;

  useEffect(() => {
    // A failure does not matter: the next message tries again.
    if (own && unread > 0 && document.visibilityState === "visible") commands.send("conversation.mark_read", channel.name, { conversation });
  }, [own, unread, doc?.seq]);

  return html`<section class="pane conversation" aria-label="Conversation">
    <header>
      <b>${doc ? standing(doc, own) : channel.state.value === "denied" ? "Not yours to see" : "Loading…"}</b>
      <${Chip} stamp=${channel.stamps.value[`conversation/${conversation}`]} />
      ${doc?.window_expires_at && html`<span class="window">${replyWindow(doc)}</span>`}
      <div class="deeds">
        ${own && doc.status === "assigned" && html`<button type="button" class="soft" aria-expanded=${transferring} onClick=${() => setTransferring(!transferring)}>Transfer</button>`}
        ${own &&
        deeds(doc).map(
          ([method, label, args]) =>
            html`<button type="button" class="soft" disabled=${busy === method} onClick=${() => send(method, channel.name, { conversation, ...args })}>${busy === method ? `${label}…` : label}</button>`,
        )}
      </div>
    </header>
    ${own && transferring && html`<${Transfer} on=${channel.name} conversation=${conversation} close=${() => setTransferring(false)} />`}
    ${own && doc.offer && html`<p class="summary" role="status">${offered(doc.offer)}</p>`}
    ${doc?.summary && html`<p class="summary"><b class="tag">Summary</b> ${doc.summary}</p>`}
    <${Transcript} entries=${entries} conversation=${conversation} pending=${commands.pending.value} stamps=${channel.stamps.value}
      mine=${(/** @type {any} */ author) => author?.type === "agent" && author.id === session.id} empty="No messages yet"
      typist=${typist && (typist.name ?? "The customer")} seen=${doc?.read?.customer} />
    <${Composer} own=${own} on=${channel.name} conversation=${conversation} type=${type} />
  </section>`;
}

/** What an owner can do where the conversation stands. @param {any} doc @returns {Deed[]} */
function deeds(doc) {
  const { status, offer, bot } = doc;
  if (status === "wrapup") return [["conversation.wrap_up", "Done"]];
  /** @type {Deed[]} */
  const all = [["conversation.release", "Release"], ["conversation.resolve", "Resolve"]];
  if (bot) all.unshift(["conversation.return_to_bot", "To the bot"]);
  if (status === "assigned") all.unshift(["conversation.snooze", "Snooze"]);
  if (offer?.state === "accepted") all.unshift(["conversation.complete_transfer", "Complete transfer"]);
  return all;
}

/** What has become of a transfer so far. @param {any} offer */
function offered({ kind, state, to, expires_at }) {
  const whom = to.type === "queue" ? `the queue ${to.id}` : (to.name ?? to.id);
  if (state === "accepted") return `${whom} has joined: complete the transfer, or go on`;
  const left = html`<span role="timer" aria-live="off">${timer(Date.parse(expires_at) - seconds.value)}</span>`;
  return html`${kind === "warm" ? `Asked ${whom} to join` : `Offered to ${whom}`}: it is yours until they accept · ${left}`;
}

/** @param {any} doc */
function replyWindow({ channel, window_expires_at }) {
  const left = Date.parse(window_expires_at) - seconds.value;
  return left > 0 ? `${channel} lets you reply for ${span(left)}` : `${channel} no longer lets you reply`;
}

/** @param {any} doc @param {boolean} own */
function standing(doc, own) {
  if (own) return { wrapup: "Yours, wrapping up", snoozed: "Yours, snoozed" }[/** @type {string} */ (doc.status)] ?? "Yours";
  if (doc.owner?.type === "agent") return `${doc.owner.name ?? doc.owner.id} has this`;
  return { queued: "Waiting", resolved: "Resolved", bot: "With the assistant" }[/** @type {string} */ (doc.status)] ?? doc.status;
}
