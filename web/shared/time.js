/** A span as a chip shows it: "0.4 s", "12 s", "3 min", "2 h", "4 d". @param {number} ms */
export function span(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** How old something is: "400 ms", and then as a span. @param {number} ms */
export function age(ms) {
  return ms < 1000 ? `${Math.max(0, Math.round(ms / 10) * 10)} ms` : span(ms);
}

/** A running timer: "0:07", "12:40", "1:02:03". @param {number} ms */
export function timer(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** How long a change took to reach the screen: "<1 ms", "14 ms", "2.1 s". @param {number} ms */
export function speed(ms) {
  if (ms < 1) return "<1 ms";
  return ms < 1000 ? `${Math.round(ms)} ms` : span(ms);
}

/** The time of day: "9:05 AM". @param {string | undefined} at */
export function clockTime(at) {
  return at ? new Date(at).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" }) : "";
}
