import { useState } from "../vendor/hooks.js";
import { html } from "../shared/html.js";
import { useSend } from "../shared/page.js";

/** How to reach the customer: out of sight until somebody asks, and that they asked is kept. @param {{on: string}} props */
export function Contact({ on }) {
  const send = useSend();
  const [ways, setWays] = useState(/** @type {string[] | null} */ (null));
  const open = async () => {
    const { result } = await send("profile.open", on, { reason: "asked at the desk" });
    if (result) setWays(waysOf(result));
  };
  if (ways) return html`<small>${ways.join(" · ") || "nothing is known"}</small>`;
  return html`<button type="button" class="quiet" onClick=${open}>Show contact data</button>`;
}

/** @param {any} profile @returns {string[]} */
function waysOf({ traits, identities }) {
  const handles = Object.values(identities ?? {}).map((i) => `${i.value}${i.verified ? " ✓" : ""}`);
  const known = handles.map((h) => h.replace(" ✓", ""));
  return [...handles, ...[traits?.email, traits?.phone].filter((way) => way && !known.includes(way))];
}
