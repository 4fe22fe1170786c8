import { signal } from "../vendor/signals-core.js";
import { html } from "./html.js";

/** @typedef {{id: number, text: string, kind: "info" | "good" | "bad" | "news"}} Toast */

/** How long a toast stays, in milliseconds; a refusal stays longer. */
const STAY = { info: 4000, good: 4000, news: 8000, bad: 9000 };

/** Short words to the person at one page. */
export class Toasts {
  /** @readonly */ list = signal(/** @type {readonly Toast[]} */ ([]));
  #next = 1;

  /** @param {string} text @param {Toast["kind"]} [kind] */
  show(text, kind = "info") {
    const id = this.#next++;
    this.list.value = [...this.list.peek().slice(-2), { id, text, kind }];
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
        <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => toasts.drop(t.id)}>×</button>
      </div>`,
    )}
  </div>`;
}
