import { render } from "../vendor/preact.js";
import { html } from "./html.js";

/** @typedef {{role: string, id: string, name: string, store?: string}} Person */

/** Who can be looked at, by the parameter that chooses them. @type {[string, string, string, (p: Person) => string][]} */
const parts = [
  ["customer", "customer", "Customer", (p) => p.id],
  ["store", "pos", "Store", (p) => p.store ?? ""],
  ["agent", "agent", "Agent", (p) => p.id],
];

/** Lets a visitor of the demo choose whose touchpoints to see. @param {Element} root @param {Person[]} people */
export function mountCast(root, people) {
  const query = new URLSearchParams(location.search);
  const choose = (/** @type {string} */ name, /** @type {Event} */ e) => {
    query.set(name, /** @type {HTMLSelectElement} */ (e.currentTarget).value);
    location.search = query.toString();
  };
  render(
    parts.map(([name, role, label, value]) => {
      const there = people.filter((p) => p.role === role);
      if (there.length < 2) return null;
      const chosen = query.get(name) ?? value(there[0]);
      return html`<label>${label}
        <select onChange=${(/** @type {Event} */ e) => choose(name, e)}>
          ${there.map((p) => html`<option value=${value(p)} selected=${value(p) === chosen}>${p.name}</option>`)}
        </select>
      </label>`;
    }),
    root,
  );
}
