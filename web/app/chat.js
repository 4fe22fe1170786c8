import { useEffect, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { usePage, useSend } from "../shared/page.js";
import { uuidv7 } from "../shared/uuid.js";
import { Transcript } from "../shared/transcript.js";
import { useTyping } from "../shared/typing.js";

/** The customer's conversation with the shop. @param {{context: import("../shared/channel.js").Channel}} props */
export function Chat({ context }) {
  const { commands } = usePage();
  const send = useSend();
  const [draft, setDraft] = useState("");
  const on = context.name;
  const [id, entry] = current(context.entries.value);
  const opening = commands.pending.value.find((c) => c.method === "conversation.open");
  const doc = entry?.doc;
  const [typist, type] = useTyping(context, id);

  useEffect(() => {
    // A failure does not matter: the next message tries again.
    if (unread(doc) && document.visibilityState === "visible") commands.send("conversation.mark_read", on, { conversation: id });
  }, [doc?.seq]);

  const post = async (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const text = draft.trim();
    if (!text) return;
    setDraft("");
    let conversation = id || opening?.args.conversation;
    if (!conversation) {
      conversation = uuidv7();
      const opened = await send("conversation.open", on, { conversation, channel: "web" });
      if (opened.problem) return setDraft(text);
    }
    const { problem } = await send("conversation.post", on, { conversation, message: uuidv7(), text });
    if (problem) setDraft(text); // nothing the person wrote is lost
  };
  const talk = () => send("conversation.escalate", on, { conversation: id, reason: "user_request" });
  const escalating = commands.has((c) => c.method === "conversation.escalate");

  return html`<section class="chat" aria-label="Chat">
    <${Standing} doc=${doc} />
    <${Transcript} entries=${context.entries.value} conversation=${id || opening?.args.conversation} pending=${commands.pending.value}
      stamps=${context.stamps.value} mine=${(/** @type {any} */ author) => author?.type === "customer"} empty="Ask us anything. We are here."
      typist=${typist && speaker(doc)} seen=${doc?.read?.agent} />
    ${doc?.status === "bot" &&
    html`<button type="button" class="soft" disabled=${escalating} onClick=${talk}>${escalating ? "Asking for a person…" : "Talk to a person"}</button>`}
    <form class="composer" onSubmit=${post}>
      <input aria-label="Message to the shop" placeholder="Message" value=${draft} onInput=${(/** @type {any} */ e) => (setDraft(e.target.value), type())} maxlength="4000" autocomplete="off" />
      <button class="primary" disabled=${!draft.trim()}>Send</button>
    </form>
  </section>`;
}

/** Who the customer is talking to. @param {{doc: any}} props */
function Standing({ doc }) {
  if (!doc) return null;
  if (ended(doc)) return html`<p class="standing">This conversation has ended. Write again and we go on here.</p>`;
  const text = doc.owner?.type === "agent" ? `${speaker(doc)} joined` : doc.status === "bot" ? "You are talking to our assistant" : "Connecting you to a person. Somebody will be with you shortly";
  return html`<p class="standing ${doc.owner?.type ?? ""}" role="status">${text}</p>`;
}

/** Who has the word. @param {any} doc */
function speaker(doc) {
  return doc?.owner?.name ?? (doc?.owner?.type === "bot" ? "Our assistant" : "Our agent");
}

/** How many messages of others the customer has not seen. @param {any} doc */
export function unread(doc) {
  return doc ? doc.seq - (doc.read?.customer ?? 0) : 0;
}

/** Whether an agent is done with it; what they still write down about it is not the customer's concern. @param {any} doc */
function ended(doc) {
  return ["resolved", "wrapup"].includes(doc.status);
}

/** The conversation that goes on, else the last one. @param {import("../shared/entries.js").Entries} entries @returns {[string, any]} */
export function current(entries) {
  const all = ofKind(entries, "conversation").sort((a, b) => b[1].v - a[1].v);
  return all.find(([, { doc }]) => !ended(doc)) ?? all[0] ?? ["", undefined];
}
