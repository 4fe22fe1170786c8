import { signal } from "../vendor/signals-core.js";

/** The wall clock in milliseconds, ticking once a second; for timers that people read. */
export const seconds = signal(Date.now());

/** The same, five times a second; for what is younger than ten seconds. */
export const tenths = signal(Date.now());

let going = false;

/** Sets the clock going, once; before that it stands still. */
export function startClock() {
  if (going) return;
  going = true;
  setInterval(() => {
    const now = Date.now();
    tenths.value = now;
    if (now - seconds.peek() >= 1000) seconds.value = now;
  }, 200);
}
