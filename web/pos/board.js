import { useRef, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { Light } from "../shared/light.js";
import { useChannel, usePage } from "../shared/page.js";
import { Acceptance } from "./acceptance.js";
import { CheckIn } from "./guest.js";
import { Items } from "./items.js";
import { Ticket } from "./ticket.js";

const columns = [
  ["new", "New"],
  ["making", "Making"],
  ["ready", "Ready"],
  ["done", "Done"],
];

/** How many tickets of the last column are shown. */
const DONE = 8;

/** The store's order board. */
export function Board() {
  const { session, connection } = usePage();
  const board = useChannel(`board:${session.store}`);
  const store = useChannel(`store:${session.store}`);
  const [panel, setPanel] = useState(/** @type {"" | "items" | "check_in"} */ (""));
  const held = useRef("");
  const tickets = ofKind(board.entries.value, "order");
  const toggle = (/** @type {typeof panel} */ id, /** @type {string} */ label) =>
    html`<button type="button" class="soft" aria-expanded=${panel === id} onClick=${() => setPanel(panel === id ? "" : id)}>${label}</button>`;

  return html`<div class="pos">
    <header class="bar">
      <h1>${session.name}</h1>
      <span class="where">store ${session.store}</span>
      <${Acceptance} store=${store} />
      ${toggle("items", "Items")}
      ${toggle("check_in", "Check in")}
      <${Light} connection=${connection} />
    </header>
    <div class="floor">
      <div class="board" aria-busy=${board.state.value === "loading"}>
        ${columns.filter(([id]) => !panel || id !== "done").map(([id, title]) => {
          const here = tickets.filter(([, { doc }]) => doc.column === id).sort(id === "done" ? newest : oldest);
          const shown = id === "done" ? here.slice(0, DONE) : here;
          return html`<section key=${id} class="column ${id}" aria-label=${title}>
            <h2>${title} <span class="badge">${here.length}</span></h2>
            <ul>
              ${shown.map(([order, { doc }]) => html`<${Ticket} key=${order} order=${order} doc=${doc} stamp=${board.stamps.value[`order/${order}`]} held=${held} />`)}
            </ul>
            ${!here.length && html`<p class="empty">${id === "new" ? "No new orders" : "None"}</p>`}
          </section>`;
        })}
      </div>
      ${panel === "items" && html`<${Items} store=${store} tickets=${tickets} />`}
      ${panel === "check_in" && html`<${CheckIn} />`}
    </div>
  </div>`;
}

/** @typedef {[string, import("../shared/entries.js").Entry]} Row */

/** @param {Row} a @param {Row} b */
function oldest(a, b) {
  return (a[1].doc.placed_at ?? "").localeCompare(b[1].doc.placed_at ?? "") || a[0].localeCompare(b[0]);
}

/** @param {Row} a @param {Row} b */
function newest(a, b) {
  return b[1].v - a[1].v;
}
