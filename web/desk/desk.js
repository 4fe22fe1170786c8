import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { Light } from "../shared/light.js";
import { useChannel, usePage, useSend } from "../shared/page.js";
import { Conversation } from "./conversation.js";
import { KeySheet, useKeys } from "./keys.js";
import { Customer } from "./customer.js";
import { MineList, neediest } from "./mine_list.js";
import { Offers } from "./offers.js";
import { Queue } from "./queue.js";

/** @typedef {import("./mine_list.js").Place} Place */

/** How long a row says who was quicker, in milliseconds. */
const TELL = 6000;

/** The agent's desk: what is theirs and what waits, the conversation, the customer. */
export function Desk() {
  const { session, connection } = usePage();
  const send = useSend();
  const desk = useChannel(`desk:${session.id}`);
  const rows = ofKind(desk.entries.value, "conversation").sort(neediest);
  const [open, setOpen] = useState(/** @type {Place | null} */ (null));
  const offers = ofKind(desk.entries.value, "offer");
  const root = useRef(/** @type {Element | null} */ (null));
  const [lost, setLost] = useState(/** @type {Record<string, string>} */ ({}));

  const mine = rows.find(([id]) => id === open?.conversation)?.[1].doc;
  useLeaving(open?.conversation, !!mine, () => setOpen(null));
  useEffect(() => {
    const first = rows[0];
    if (!open && first) setOpen({ context: first[1].doc.context, conversation: first[0] });
  }, [rows.length > 0]);

  const claim = async (/** @type {Place} */ place) => {
    const { problem } = await send("conversation.claim", `context:${place.context}`, { conversation: place.conversation });
    if (!problem) setOpen(place);
    if (problem?.code !== "already_claimed") return;
    const owner = problem.details?.owner;
    setLost((l) => ({ ...l, [place.conversation]: owner?.name ?? owner?.id ?? "somebody else" }));
    setTimeout(() => setLost(({ [place.conversation]: _, ...rest }) => rest), TELL);
  };

  const go = (/** @type {number} */ by) => {
    const at = rows.findIndex(([id]) => id === open?.conversation);
    const [id, row] = rows[(at + by + rows.length) % rows.length] ?? [];
    if (row) setOpen({ context: row.doc.context, conversation: /** @type {string} */ (id) });
  };
  const resolve = () => open && mine?.status === "assigned" && send("conversation.resolve", `context:${open.context}`, { conversation: open.conversation });
  useKeys(root, { KeyJ: () => go(1), KeyK: () => go(-1), KeyE: resolve });

  return html`<div class="desk" ref=${root}>
    <header class="bar">
      <h1>${session.name}</h1>
      <span class="where">${session.queues.join(", ")}</span>
      <${KeySheet} />
      <${Light} connection=${connection} />
    </header>
    <div class="panes">
      <nav class="pane list" aria-label="Conversations">
        <div role="status" class="sr">${offers.some(([, { doc }]) => doc.offer.state === "pending") ? "A colleague offers you a conversation" : ""}</div>
        <${Offers} rows=${offers} stamps=${desk.stamps.value} open=${open} choose=${setOpen} />
        <${MineList} rows=${rows} stamps=${desk.stamps.value} open=${open} choose=${setOpen} />
        ${session.queues.map((queue) => html`<${Queue} key=${queue} queue=${queue} lost=${lost} open=${open} choose=${setOpen} claim=${claim} />`)}
      </nav>
      ${open
        ? html`<${Conversation} key=${open.conversation} place=${open} unread=${mine?.unread ?? 0} />
            <${Customer} key=${open.context} context=${open.context} />`
        : html`<p class="empty pane nothing">Take a conversation from the queue.<br />The customer's cart and orders come with it.</p>`}
    </div>
  </div>`;
}

/**
 * Calls when the open conversation was the agent's and no longer is. One that was just taken is not
 * yet: the answer to the claim may be here before the desk is.
 *
 * @param {string | undefined} id
 * @param {boolean} mine
 * @param {() => void} leave
 */
function useLeaving(id, mine, leave) {
  const before = useRef({ id, mine });
  useEffect(() => {
    const left = before.current.id === id && before.current.mine && !mine;
    before.current = { id, mine };
    if (left) leave();
  }, [id, mine]);
}
