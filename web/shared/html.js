import { h } from "../vendor/preact.js";
import htm from "../vendor/htm.js";
import "../vendor/signals.js"; // views follow the signals they read

/** Views are tagged templates: html`<b>${name}</b>`. @type {(parts: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(/** @type {any} */ (h));
