import { useRef, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { useSend } from "../shared/page.js";
import { uuidv7 } from "../shared/uuid.js";

/** What is being written in a conversation, kept for the tab. @param {string} conversation @returns {[string, (text: string) => void]} */
function useDraft(conversation) {
  const key = `samepage.draft.${conversation}`;
  const [draft, setDraft] = useState(() => sessionStorage.getItem(key) ?? "");
  return [
    draft,
    (text) => {
      if (text) sessionStorage.setItem(key, text);
      else sessionStorage.removeItem(key);
      setDraft(text);
    },
  ];
}

/**
 * Writes to the customer, or a note that only colleagues see. Alt+L and Alt+P switch.
 *
 * @param {{own: boolean, on: string, conversation: string, type: () => void}} props type: called while the customer's reply is typed
 */
export function Composer({ own, on, conversation, type }) {
  const send = useSend();
  const [kind, setKind] = useState(/** @type {"post" | "note"} */ ("post"));
  const [draft, setDraft] = useDraft(conversation);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const choose = (/** @type {"post" | "note"} */ next) => {
    setKind(next);
    field.current?.focus(); // the person asked for it
  };
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    const text = draft.trim();
    if (!text) return;
    setDraft("");
    const { problem } = await send(`conversation.${kind}`, on, { conversation, message: uuidv7(), text });
    if (problem) setDraft(text);
  };
  const keys = (/** @type {KeyboardEvent} */ e) => {
    if (e.altKey && e.code === "KeyP") choose("note");
    else if (e.altKey && e.code === "KeyL") choose("post");
    else if (e.key === "Enter" && !e.shiftKey && !e.isComposing) submit(e);
    else return;
    e.preventDefault();
  };
  const note = kind === "note";

  return html`<form class="composer ${kind}" onSubmit=${submit} onKeyDown=${keys}>
    <div class="kinds" role="group" aria-label="Who reads it">
      <button type="button" aria-pressed=${!note} title="Alt+L" onClick=${() => choose("post")}>Reply</button>
      <button type="button" aria-pressed=${note} title="Alt+P" onClick=${() => choose("note")}>Private note</button>
    </div>
    <textarea ref=${field} rows="2" aria-label=${note ? "Private note" : "Reply to the customer"} value=${draft}
      placeholder=${note ? "Only colleagues see this" : own ? "Reply to the customer" : "Only the owner replies; a note is possible"}
      onInput=${(/** @type {any} */ e) => (setDraft(e.target.value), !note && type())}></textarea>
    <button class="primary" disabled=${!draft.trim() || (!own && !note)}>${note ? "Add note" : "Send"}</button>
  </form>`;
}
