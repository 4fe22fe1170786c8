import { useEffect, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { demoPeople } from "../shared/session.js";
import { usePage, useSend } from "../shared/page.js";

/**
 * Offers the conversation to a colleague or a queue.
 *
 * @param {{on: string, conversation: string, close: () => void}} props
 */
export function Transfer({ on, conversation, close }) {
  const { session, demo } = usePage();
  const send = useSend();
  const [colleagues, setColleagues] = useState(/** @type {{id: string, name: string}[]} */ ([]));
  useEffect(() => {
    if (demo) demoPeople().then((all) => setColleagues(all.filter((p) => p.role === "agent" && p.id !== session.id)));
  }, []);
  const submit = async (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (e.currentTarget));
    const { problem } = await send("conversation.transfer", on, {
      conversation,
      to: party(String(form.get("to")).trim()),
      kind: form.get("kind"),
      note: String(form.get("note")).trim(),
    });
    if (!problem) close();
  };

  return html`<form class="transfer" aria-label="Transfer" onSubmit=${submit}>
    <input name="to" aria-label="To whom" placeholder="ben, or queue:support" list="colleagues-${conversation}" required autocomplete="off" />
    <datalist id="colleagues-${conversation}">
      ${colleagues.map((p) => html`<option value=${p.id}>${p.name}</option>`)}
      ${session.queues.map((queue) => html`<option value="queue:${queue}">Queue ${queue}</option>`)}
    </datalist>
    <select name="kind" aria-label="How">
      <option value="cold">Hand over</option>
      <option value="warm">Ask to join first</option>
    </select>
    <input name="note" aria-label="Note for them" placeholder="Note for them" maxlength="1000" autocomplete="off" />
    <button class="primary">Offer</button>
    <button type="button" class="soft" onClick=${close}>Close</button>
  </form>`;
}

/** "ben" is an agent, "queue:support" a queue. @param {string} to */
function party(to) {
  return to.startsWith("queue:") ? { type: "queue", id: to.slice("queue:".length) } : { type: "agent", id: to };
}
