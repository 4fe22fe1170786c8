import { useEffect } from "../vendor/hooks.js";
import { html } from "../shared/html.js";

/** What the sheet says; letters alone do nothing, so that nobody acts by speaking or typing. */
const sheet = [
  ["Alt+J, Alt+K", "next, previous conversation"],
  ["Alt+L, Alt+P", "reply, private note"],
  ["Alt+E", "resolve"],
  ["Enter", "send; Shift+Enter for a new line"],
];

/**
 * Listens to Alt and a key, while the desk has the focus or nothing has.
 *
 * @param {{current: Element | null}} desk
 * @param {Record<string, () => void>} keys code of a key -> what it does
 */
export function useKeys(desk, keys) {
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ e) => {
      const here = e.target === document.body || desk.current?.contains(/** @type {Node} */ (e.target));
      if (!e.altKey || e.ctrlKey || e.metaKey || !here || !keys[e.code]) return;
      e.preventDefault();
      keys[e.code]();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
}

/** The keys of the desk, for who asks. */
export function KeySheet() {
  return html`<button type="button" class="quiet" popovertarget="desk-keys">Keys</button>
    <dl class="keys" id="desk-keys" popover>${sheet.map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}</dl>`;
}
