import { useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { ofKind } from "../shared/entries.js";
import { Light } from "../shared/light.js";
import { useChannel, useEvents, usePage, useSend } from "../shared/page.js";
import { basket as basketOf } from "./basket.js";
import { CartLines } from "./cart.js";
import { Catalogue } from "./catalogue.js";
import { Chat, current, unread } from "./chat.js";
import { Checkout } from "./checkout.js";
import { tell } from "./elsewhere.js";
import { useShelf } from "./shelf.js";
import { stores as storesOf } from "./stores.js";
import { Tabs } from "./tabs.js";
import { Tracker } from "./tracker.js";
import { You } from "./you.js";

/** The customer's app. */
export function App() {
  const { session, connection, commands, toasts } = usePage();
  const send = useSend();
  const context = useChannel(`context:${session.context}`);
  const catalogue = useChannel("catalog:default");
  const [tab, setTab] = useState("menu");
  const [before, setBefore] = useState(/** @type {Record<string, number>} */ ({}));
  const [chosen, setStore] = useState("");
  const stores = storesOf();
  useEvents(context, (event, how) => {
    const text = how === "live" && !commands.sent(event.cause) && tell(event);
    if (text) toasts.show(text);
  });

  const entries = context.entries.value;
  const preferred = entries.profile?.doc.preferred_store;
  const store = chosen || (stores.find((s) => s.id === preferred) ?? stores[0]).id;
  const shelf = useShelf(store);
  const basket = basketOf(entries, catalogue.entries.value, commands.pending.value);
  const loyalty = entries.loyalty?.doc;
  const orders = ofKind(entries, "order").sort((a, b) => (b[1].doc.placed_at ?? "").localeCompare(a[1].doc.placed_at ?? ""));
  const open = orders.filter(([, { doc }]) => !["complete", "cancelled"].includes(doc.order_state));
  const cartArgs = basket.id ? { cart: basket.id } : {};

  const add = (/** @type {string} */ sku) => send("cart.add_line", context.name, { ...cartArgs, sku, quantity: 1 });
  const change = (/** @type {import("./basket.js").Line} */ line, /** @type {number} */ quantity) =>
    quantity > 0 ? send("cart.set_quantity", context.name, { ...cartArgs, line: line.id, quantity }) : remove(line);
  const remove = async (/** @type {import("./basket.js").Line} */ { id, sku, name, quantity }) => {
    const { problem } = await send("cart.remove_line", context.name, { ...cartArgs, line: id });
    const undo = () => send("cart.add_line", context.name, { ...cartArgs, sku, quantity });
    if (!problem) toasts.show(`${name} removed`, "info", { label: "Undo", now: undo });
  };
  const placed = (/** @type {string} */ order, /** @type {number} */ points) => {
    setBefore({ ...before, [order]: points });
    setTab("orders");
  };
  const act = (/** @type {string} */ method, /** @type {string} */ order, args = {}) => send(method, context.name, { order, ...args });
  const off = connection.link.value === "off";

  const views = {
    menu: () => html`<${Catalogue} catalogue=${catalogue} basket=${basket} shelf=${shelf} add=${add} />`,
    cart: () => html`<${CartLines} basket=${basket} stamp=${context.stamps.value[`cart/${basket.id}`]} me=${session.id} change=${change} />
      ${basket.lines.length > 0 && html`<${Checkout} basket=${basket} loyalty=${loyalty} store=${store} choose=${setStore} shelf=${shelf} stores=${stores} placed=${placed} />`}`,
    orders: () =>
      orders.length
        ? orders.map(
            ([id, { doc }]) => html`<${Tracker} key=${id} id=${id} order=${doc} stamp=${context.stamps.value[`order/${id}`]} stores=${stores}
              act=${act} points=${id in before ? { before: before[id], now: loyalty?.balance ?? 0 } : undefined} />`,
          )
        : html`<p class="empty">No orders yet</p>`,
    chat: () => html`<${Chat} context=${context} />`,
    you: () => html`<${You} context=${context} />`,
  };

  return html`<div class="app">
    <header class="bar">
      <div><h1>Hi ${session.name}</h1><${Light} connection=${connection} /></div>
      <span class="points" title="loyalty points">${loyalty ? html`<b>${loyalty.balance}</b> points` : ""}</span>
      <button type="button" class="soft" aria-pressed=${off} onClick=${() => (off ? connection.connect() : connection.disconnect())}>${off ? "Go back online" : "Go offline"}</button>
    </header>
    <div class="scroll tab-${tab}">
      ${entries.erased ? html`<p class="empty">You were erased here.<br />Of your orders the amounts stay.</p>` : /** @type {Record<string, () => any>} */ (views)[tab]()}
    </div>
    <${Tabs} tab=${tab} choose=${setTab} badges=${{ cart: basket.count, orders: open.length, chat: unread(current(entries)[1]?.doc) }} />
  </div>`;
}
