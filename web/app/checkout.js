import { useRef, useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { money } from "../shared/money.js";
import { say } from "../shared/problem.js";
import { usePage } from "../shared/page.js";
import { uuidv7 } from "../shared/uuid.js";
import { payment } from "./basket.js";
import { StoreChoice } from "./store_choice.js";
import { storeName } from "./stores.js";

/** @typedef {import("./basket.js").Basket} Basket */

/**
 * Pays the cart as it is shown: the order carries the total and the version that the person
 * saw, so a cart that changed meanwhile is refused, not charged.
 *
 * @param {{basket: Basket, loyalty: any, store: string, choose: (store: string) => void, shelf: ReturnType<typeof import("./shelf.js").useShelf>,
 *   stores: import("./stores.js").Store[], placed: (order: string, before: number) => void}} props
 */
export function Checkout({ basket, loyalty, store, choose, shelf, stores, placed }) {
  const { session, commands, connection } = usePage();
  const [usePoints, setUsePoints] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState("");
  const order = useRef({ cart: "", id: "" });
  const pay = payment(basket.total, loyalty, usePoints);
  const live = ["live", "quiet"].includes(connection.link.value);

  const place = async () => {
    // The order's id stays with the cart: pressing again cannot make a second order of it.
    if (order.current.cart !== basket.id) order.current = { cart: basket.id, id: uuidv7() };
    setBusy(true);
    setRefusal("");
    const before = loyalty?.balance ?? 0;
    const { problem } = await commands.send(
      "order.place",
      `context:${session.context}`,
      {
        cart: basket.id,
        order: order.current.id,
        expected_total: basket.total,
        fulfilment: { type: "pickup", store, name: session.name },
        tenders: pay.tenders,
      },
      { ifVersion: { [`cart/${basket.id}`]: basket.v } },
    );
    setBusy(false);
    if (problem) setRefusal(say(problem));
    else placed(order.current.id, before);
  };

  return html`<section class="card checkout" aria-label="Checkout">
    <fieldset>
      <legend>Pick up at</legend>
      <div class="choices">
        ${stores.map(
          (s) => html`<${StoreChoice} key=${s.id} id=${s.id} name=${s.name} lines=${basket.lines} chosen=${store === s.id} choose=${() => choose(s.id)} />`,
        )}
      </div>
    </fieldset>
    ${pay.most > 0 &&
    html`<label class="switch"><input type="checkbox" checked=${usePoints} onChange=${() => setUsePoints(!usePoints)} />
      <span>Use ${pay.most} points <small>${usePoints ? `you keep ${(loyalty?.balance ?? 0) - pay.points}` : `of ${loyalty?.balance ?? 0}`}</small></span>
    </label>`}
    <dl class="pay">
      ${pay.points > 0 && html`<div><dt>Points</dt><dd>${pay.points}</dd></div>`}
      ${pay.card.amount > 0 && html`<div><dt>Card</dt><dd>${money(pay.card)}</dd></div>`}
      ${pay.earned > 0 && html`<div><dt>You earn</dt><dd>${pay.earned} points</dd></div>`}
    </dl>
    ${refusal && html`<p class="problem" role="alert">${refusal}</p>`}
    <button type="button" class="primary big" disabled=${busy || basket.unsure || !live || shelf.paused} onClick=${place}>
      ${busy ? "Placing the order…" : !live ? "You can order when you are back online" : shelf.paused ? `${storeName(stores, store)} takes no orders just now` : `Order at ${storeName(stores, store)} · ${money(basket.total)}`}
    </button>
  </section>`;
}
