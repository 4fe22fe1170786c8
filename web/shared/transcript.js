import { useLayoutEffect, useRef } from "../vendor/hooks.js";
import { html } from "./html.js";
import { ofKind } from "./entries.js";
import { clockTime } from "./time.js";
import { Chip } from "./chip.js";

/**
 * The messages of a conversation, oldest first, and behind them those that are under way.
 *
 * @param {{entries: import("./entries.js").Entries, conversation: string | undefined, pending: readonly import("./command.js").Command[],
 *   stamps: Record<string, any>, mine: (author: any) => boolean, empty: string, typist?: string, seen?: number}} props typist:
 *   who is typing; seen: up to which number the other side has read
 */
export function Transcript({ entries, conversation, pending, stamps, mine, empty, typist, seen = 0 }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const messages = conversation ? messagesOf(entries, conversation) : [];
  const known = new Set(messages.map(([id]) => id));
  const sending = pending.filter((c) => c.args.conversation === conversation && c.args.text && !known.has(c.args.message));
  const last = messages.at(-1)?.[0];
  const atEnd = useRef(true); // a person who reads further up is left there
  const follow = () => {
    if (end.current && atEnd.current) end.current.scrollTop = end.current.scrollHeight;
  };
  const look = (/** @type {any} */ { currentTarget: log }) => (atEnd.current = log.scrollHeight - log.scrollTop - log.clientHeight < 24);
  const seenLast = messages.findLast(([, { doc }]) => !isNote(doc) && mine(doc.author) && doc.seq <= seen)?.[0];
  useLayoutEffect(follow, [last, sending.length, typist]);
  useLayoutEffect(() => {
    const room = new ResizeObserver(follow);
    if (end.current) room.observe(end.current);
    return () => room.disconnect();
  }, []);
  return html`<div class="transcript" role="log" aria-label="Messages" tabindex="0" ref=${end} onScroll=${look}>
    ${!messages.length && !sending.length && html`<p class="empty">${empty}</p>`}
    ${messages.map(([id, { doc }]) => {
      if (doc.kind === "activity") return html`<p key=${id} class="activity">${doc.body}</p>`;
      const note = isNote(doc);
      return html`<article key=${id} class="message ${mine(doc.author) ? "mine" : "theirs"} ${note ? "note" : ""}">
        <header>${note && html`<b class="tag">Private note</b> `}${name(doc.author)} ${when(doc, stamps[`message/${conversation}/${id}`])}</header>
        <p>${doc.body}</p>
        ${fate(doc, id === seenLast)}
      </article>`;
    })}
    ${sending.map(
      (c) => html`<article key=${c.args.message} class="message mine unsure ${c.method === "conversation.note" ? "note" : ""}"><p>${c.args.text}</p><small>sending…</small></article>`,
    )}
    ${typist && html`<p class="typing" aria-live="off">${typist} is typing<i aria-hidden="true">…</i></p>`}
  </div>`;
}

/** @param {import("./entries.js").Entries} entries @param {string} conversation */
function messagesOf(entries, conversation) {
  // What was taken in the same millisecond stands in the order of its numbers, everywhere alike.
  return ofKind(entries, `message/${conversation}`).sort(
    ([a, x], [b, y]) => (x.doc.sent_at ?? "").localeCompare(y.doc.sent_at ?? "") || x.doc.seq - y.doc.seq || a.localeCompare(b),
  );
}

/** @param {any} doc */
function isNote(doc) {
  return doc.private || doc.kind === "note";
}

/** What became of an own message. @param {any} doc @param {boolean} seenLast */
function fate(doc, seenLast) {
  if (doc.delivery === "failed") return html`<small class="problem">could not be delivered</small>`;
  return seenLast && html`<small>seen</small>`;
}

/** A message that came while the page was open says how fast it came. @param {any} doc @param {import("./channel.js").Stamp | undefined} stamp */
function when(doc, stamp) {
  if (stamp && stamp.how !== "loaded") return html`<${Chip} stamp=${stamp} />`;
  return html`<time datetime=${doc.sent_at}>${clockTime(doc.sent_at)}</time>`;
}

/** @param {any} author */
function name(author) {
  if (!author) return "";
  return author.name ?? { customer: "Customer", agent: "Agent", bot: "Assistant" }[/** @type {string} */ (author.type ?? author.role)] ?? author.id ?? "";
}
