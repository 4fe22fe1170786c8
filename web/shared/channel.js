import { batch, signal } from "../vendor/signals-core.js";
import { apply, LostThread } from "./entries.js";

/**
 * @typedef {import("./entries.js").Entries} Entries
 * @typedef {import("./entries.js").HubEvent} HubEvent
 * @typedef {{epoch: string, offset: number}} Position
 * @typedef {{at: number, came: number, shown?: number, how: "live" | "caught up" | "loaded", what?: string}} Stamp when a
 *   change was made, when it came here, when it was on the screen, which way it came, and what it was
 * @typedef {"loading" | "synced" | "behind" | "denied"} ChannelState behind: what is shown may be old
 */

/** How many causes are remembered, for commands whose answer comes after their event. */
const CAUSES = 200;

/**
 * One channel, live: its entries as signals, kept exactly as the hub holds them. It is fed by a
 * subscription (see [Connection]) and fires "event" for every event applied.
 */
export class Channel extends EventTarget {
  /** @readonly */ entries = signal(/** @type {Entries} */ ({}));
  /** @readonly */ position = signal(/** @type {Position | null} */ (null));
  /** @readonly */ state = signal(/** @type {ChannelState} */ ("loading"));
  /** @readonly */ stamps = signal(/** @type {Readonly<Record<string, Stamp>>} */ ({}));
  /** @type {string[]} */ #causes = [];
  #how = /** @type {Stamp["how"]} */ ("live");

  /** @param {string} name @param {() => number} [now] */
  constructor(name, now = Date.now) {
    super();
    this.name = name;
    this.now = now;
  }

  /** A snapshot replaces all that was held. @param {Entries} entries @param {Position} position */
  load(entries, position) {
    const stamp = { at: this.now(), came: this.now(), how: /** @type {const} */ ("loaded") };
    batch(() => {
      this.entries.value = entries;
      this.position.value = position;
      this.stamps.value = Object.fromEntries(Object.keys(entries).map((key) => [key, stamp]));
      this.state.value = "synced";
    });
  }

  /** The log still reached back: what was held stays, and what was missed comes next. */
  recover() {
    this.#how = "caught up";
    this.state.value = "synced";
    setTimeout(() => (this.#how = "live")); // the missed events are handed over in this turn
  }

  /**
   * Applies one event; false if it was held already.
   *
   * @param {HubEvent} event
   * @param {number} offset
   * @throws {LostThread}
   */
  apply(event, offset) {
    const position = this.position.peek();
    if (!position) throw new LostThread(`an event of ${this.name} before its snapshot`);
    if (offset <= position.offset) return false;
    const entries = apply(this.entries.peek(), event);
    const stamp = { at: Date.parse(event.data?.source?.at ?? event.at), came: this.now(), how: this.#how, what: whatOf(event) };
    const stamps = { ...this.stamps.peek() };
    for (const { key, gone } of event.changes ?? []) {
      if (gone) delete stamps[key];
      else stamps[key] = { ...stamp };
    }
    batch(() => {
      this.entries.value = entries;
      this.position.value = { ...position, offset };
      this.stamps.value = stamps;
    });
    if (event.cause) this.#causes = [...this.#causes.slice(1 - CAUSES), event.cause];
    this.dispatchEvent(new CustomEvent("event", { detail: { event, offset, how: stamp.how } }));
    return true;
  }

  /** Which way events come at this moment. */
  get how() {
    return this.#how;
  }

  /** Whether the event that a command caused has been applied. @param {string} id */
  saw(id) {
    return this.#causes.includes(id);
  }
}

/** "cart.line_added by Maya". @param {HubEvent} event */
function whatOf({ type, by, data }) {
  const who = by?.name ?? by?.id ?? by?.role;
  return `${data?.source?.type ?? type}${who ? ` by ${who}` : ""}`;
}
