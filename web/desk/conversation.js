import { useEffect } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { useChannel, usePage, useSend } from "../shared/page.js";
import { Transcript } from "../shared/transcript.js";
import { Chip } from "../shared/chip.js";
import { Composer } from "./composer.js";

/** What an owner can do with it where it stands: method -> what the button says. */
const endings = /** @type {Record<string, [string, string][]>} */ ({
  assigned: [["conversation.release", "Release"], ["conversation.resolve", "Resolve"]],
  snoozed: [["conversation.release", "Release"], ["conversation.resolve", "Resolve"]],
  wrapup: [["conversation.wrap_up", "Done"]],
});

/** @param {{place: import("./mine_list.js").Place, unread: number}} props */
export function Conversation({ place, unread }) {
  const { session, commands } = usePage();
  const send = useSend();
  const { context, conversation } = place;
  const channel = useChannel(`context:${context}`);
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
      <span class="spring"></span>
      ${own &&
      (endings[doc.status] ?? []).map(
        ([method, label]) =>
          html`<button type="button" class="soft" disabled=${busy === method} onClick=${() => send(method, channel.name, { conversation })}>${busy === method ? `${label}…` : label}</button>`,
      )}
    </header>
    ${doc?.summary && html`<p class="summary"><b class="tag">Summary</b> ${doc.summary}</p>`}
    <${Transcript} entries=${entries} conversation=${conversation} pending=${commands.pending.value} stamps=${channel.stamps.value}
      mine=${(/** @type {any} */ author) => author?.type === "agent" && author.id === session.id} empty="No messages yet" />
    <${Composer} own=${own} on=${channel.name} conversation=${conversation} />
  </section>`;
}

/** @param {any} doc @param {boolean} own */
function standing(doc, own) {
  if (own) return { wrapup: "Yours, wrapping up", snoozed: "Yours, snoozed" }[/** @type {string} */ (doc.status)] ?? "Yours";
  if (doc.owner?.type === "agent") return `${doc.owner.name ?? doc.owner.id} has this`;
  return { queued: "Waiting", resolved: "Resolved", bot: "With the assistant" }[/** @type {string} */ (doc.status)] ?? doc.status;
}
