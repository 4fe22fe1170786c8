import { html } from "../shared/html.js";
import { seconds } from "../shared/clock.js";
import { clockTime, timer } from "../shared/time.js";

/** When a ticket is to be noticed and when it is late, in milliseconds since it was placed. */
const WARN = 5 * 60_000;
const LATE = 8 * 60_000;

/** How old a ticket is. It says what its colour says; nobody is told of every second. @param {{since: string | undefined}} props */
export function Age({ since }) {
  if (!since) return null;
  const ms = seconds.value - Date.parse(since);
  const step = ms >= LATE ? "late" : ms >= WARN ? "warn" : "";
  return html`<span class="age ${step}" role="timer" aria-live="off">${step === "late" ? "late " : step === "warn" ? "soon " : ""}${timer(ms)}</span>`;
}

/** The time that the customer was promised. @param {{at: string | undefined, kept: boolean}} props */
export function Due({ at, kept }) {
  if (!at) return null;
  const broken = !kept && Date.parse(at) < seconds.value;
  return html`<b class="promise ${broken ? "broken" : ""}">${broken ? "was due" : "by"} ${clockTime(at)}</b>`;
}
