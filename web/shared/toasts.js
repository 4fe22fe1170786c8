import { signal } from "../vendor/signals-core.js";
import { html } from "./html.js";

/**
 * @typedef {{label: string, now: () => void}} Action
 * @typedef {{id: number, text: string, kind: "info" | "good" | "bad" | "news", action?: Action}} Toast
 */

/** How long a toast stays, in milliseconds; a refusal stays longer. */
const STAY = { info: 5000, good: 5000, news: 8000, bad: 9000 };

/** Short words to the person at one page. */
export class Toasts {
  /** @readonly */ list = signal(/** @type {readonly Toast[]} */ ([]));
  #next = 1;

  /** @param {string} text @param {Toast["kind"]} [kind] @param {Action} [action] what can be done about it for as long as it stays */
  show(text, kind = "info", action) {
    const id = this.#next++;
    const before = this.list.peek().filter((t) => !(action && t.action)); // the last deed is the one to undo
    this.list.value = [...before.slice(-2), { id, text, kind, action }];
    setTimeout(() => this.drop(id), STAY[kind]);
  }

  /** @param {number} id */
  drop(id) {
    this.list.value = this.list.peek().filter((t) => t.id !== id);
  }
}

/** @param {{toasts: Toasts}} props */
export function ToastList({ toasts }) {
  return html`<div class="toasts" role="status">
    ${toasts.list.value.map(
      (t) => html`<div key=${t.id} class="toast ${t.kind}">
        <span>${t.kind === "news" && html`<b class="tag">News</b> `}${t.text}</span>
        ${t.action && html`<button type="button" class="act" onClick=${() => (toasts.drop(t.id), t.action?.now())}>${t.action.label}</button>`}
        <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => toasts.drop(t.id)}>×</button>
      </div>`,
    )}
  </div>`;
}
