import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { linesOf } from "../shared/lines.js";
import { useChannel, usePage, useSend } from "../shared/page.js";

/**
 * What the store sells: how many are to be made, how many are left, and what is sold out for today.
 *
 * @param {{store: import("../shared/channel.js").Channel, tickets: import("./board.js").Row[]}} props
 */
export function Items({ store, tickets }) {
  const { commands } = usePage();
  const send = useSend();
  const catalogue = useChannel("catalog:default");
  const wanted = toMake(tickets);
  const items = ofKind(catalogue.entries.value, "sku").sort(([a, x], [b, y]) => (wanted.get(b) ?? 0) - (wanted.get(a) ?? 0) || x.doc.name.localeCompare(y.doc.name));
  const busy = (/** @type {string} */ sku) => commands.has((c) => c.method === "stock.snooze" && c.args.sku === sku);

  return html`<section class="panel" aria-label="Items">
    <h2>Items</h2>
    <ul>
      ${items.map(([sku, { doc }]) => {
        const level = store.entries.value[`sku/${sku}`]?.doc ?? {};
        const snoozed = Boolean(level.snoozed_until);
        return html`<li key=${sku}>
          <div>
            <b>${doc.name}</b>
            <small>${[wanted.has(sku) && `${wanted.get(sku)} to make`, left(level, snoozed)].filter(Boolean).join(" · ")}</small>
          </div>
          <button type="button" class="soft" aria-pressed=${snoozed} disabled=${busy(sku)} aria-label="${doc.name} is sold out"
            onClick=${() => send("stock.snooze", store.name, snoozed ? { sku } : { sku, until: midnight() })}>Sold out</button>
        </li>`;
      })}
    </ul>
  </section>`;
}

/** How many of each sku the open tickets still ask for. @param {import("./board.js").Row[]} tickets @returns {Map<string, number>} */
export function toMake(tickets) {
  const wanted = new Map();
  for (const [, { doc }] of tickets) {
    if (!["new", "making"].includes(doc.column)) continue;
    for (const [, line] of linesOf(doc)) wanted.set(line.sku, (wanted.get(line.sku) ?? 0) + line.quantity);
  }
  return wanted;
}

/** @param {any} level @param {boolean} snoozed */
function left(level, snoozed) {
  if (snoozed) return "sold out for today";
  return level.available === undefined ? "not counted" : `${level.available} left`;
}

/** The end of the day here. */
function midnight() {
  const end = new Date();
  end.setHours(24, 0, 0, 0);
  return end.toISOString();
}
