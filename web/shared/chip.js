import { useLayoutEffect, useState } from "../vendor/hooks.js";
import { html } from "./html.js";
import { seconds, tenths } from "./clock.js";
import { age, speed } from "./time.js";

/** @typedef {import("./channel.js").Stamp} Stamp */

/** A change is drawn within this time of its coming, in milliseconds, or it was not in view. */
const IN_VIEW = 250;

/**
 * How old what a card shows is, and how long it took from the hub's commit to this screen:
 * "1.2 s ago · 14 ms".
 *
 * @param {{stamp: Stamp | undefined}} props
 */
export function Chip({ stamp }) {
  const [, redraw] = useState(0);
  useLayoutEffect(() => {
    if (!stamp || stamp.shown) return;
    const frame = requestAnimationFrame(() => {
      // A card that was not in view when the change came is as quick as its coming.
      const now = Date.now();
      stamp.shown ??= now - stamp.came < IN_VIEW ? now : stamp.came;
      redraw((n) => n + 1);
    });
    return () => cancelAnimationFrame(frame);
  }, [stamp]);
  if (!stamp) return null;
  const young = Date.now() - stamp.at < 10_000;
  const old = age((young ? tenths : seconds).value - stamp.at);
  const took = stamp.shown ? speed(stamp.shown - stamp.at) : "…";
  if (stamp.how === "loaded") return html`<span class="chip" title="part of the snapshot">loaded ${old} ago</span>`;
  if (stamp.how === "caught up") return html`<span class="chip late" title="${stamp.what}, came after a break">${old} ago · caught up</span>`;
  return html`<span class="chip" title="${stamp.what}: how long ago, and how long from the hub to this screen">${old} ago · <b>${took}</b></span>`;
}
