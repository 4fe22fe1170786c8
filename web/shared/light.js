import { html } from "./html.js";
import { seconds } from "./clock.js";
import { span } from "./time.js";

/** @typedef {import("./connection.js").Connection} Connection */

const words = {
  connecting: "Connecting",
  live: "Live",
  behind: "Catching up",
  quiet: "Quiet",
  down: "Reconnecting",
  off: "Offline",
  refused: "Refused",
};

/** The connection light: whether what is shown can be trusted, and since when. @param {{connection: Connection}} props */
export function Light({ connection }) {
  const link = connection.link.value === "live" && connection.behind.value ? "behind" : connection.link.value;
  const heard = connection.heard.value;
  const age = heard ? Math.max(0, seconds.value - heard) : 0;
  const title = heard ? `last heard from the hub at ${new Date(heard).toLocaleTimeString()}` : "not heard from the hub yet";
  return html`<span class="light ${link}" title=${title}>
    <i aria-hidden="true"></i>
    <b>${words[link]}</b>
    ${heard > 0 && html`<small>${link === "live" ? "synced" : "last synced"} ${link === "live" && age < 2000 ? "now" : `${span(age)} ago`}</small>`}
  </span>`;
}
