import { html } from "./html.js";
import { seconds } from "./clock.js";
import { span } from "./time.js";

/** @typedef {import("./connection.js").Connection} Connection @typedef {import("./command.js").Commands} Commands */

/** How long the page says what it caught up with, in milliseconds. */
const TELL = 6000;

/** Says that what is shown may be old, what waits to be sent, and, after a break, what was caught up. @param {{connection: Connection, commands: Commands}} props */
export function Banner({ connection, commands }) {
  const link = connection.link.value;
  const waiting = commands.pending.value.length;
  return html`<div class="banners" role="status">${banner()}</div>`;

  function banner() {
    if (link === "refused") {
      const again = () => location.reload();
      return html`<p class="banner bad">The hub refused this session: ${connection.reason.value} <button type="button" class="soft" onClick=${again}>Sign in again</button></p>`;
    }
    if (link === "down" || link === "off") {
      const since = connection.heard.value ? `: it is from ${span(seconds.value - connection.heard.value)} ago` : "";
      const unsent = waiting ? ` · ${count(waiting, "change")} waiting to be sent` : "";
      return html`<p class="banner warn"><b>${link === "off" ? "Offline" : "Connection lost"}.</b> What you see may be old<span aria-hidden="true">${since}</span>${unsent}</p>`;
    }
    const told = connection.caughtUp.value;
    if (!told || connection.behind.value || seconds.value - told.at > TELL) return null;
    if (told.reloaded) return html`<p class="banner good">Back, and loaded afresh: too much had happened to replay</p>`;
    return html`<p class="banner good">${told.events ? `Back: ${count(told.events, "update")} caught up` : "Back: nothing was missed"}</p>`;
  }
}

/** @param {number} n @param {string} noun */
export function count(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
