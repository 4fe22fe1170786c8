import { computed, effect, signal } from "../vendor/signals-core.js";
import { Centrifuge } from "../vendor/centrifuge.js";
import { Channel } from "./channel.js";
import { LostThread } from "./entries.js";

/**
 * @typedef {"connecting" | "live" | "quiet" | "down" | "off" | "refused"} Link
 *   quiet: nothing heard for longer than the server's pings are apart; down: being
 *   mended; off: by the person's choice; refused: the server will not have this token
 */

/** Why the server ends a subscription whose channel became part of another one; a subscription to that one follows. */
const MOVED = 2001;

/** The server pings every 25 s. */
const QUIET_AFTER = 30_000;

/**
 * The socket, and the channels that are read over it. `connect` and `disconnect` are a pair.
 * What a channel shows while the link is not live may be old, and the page says so.
 */
export class Connection extends EventTarget {
  /** @readonly */ link = signal(/** @type {Link} */ ("connecting"));
  /** @readonly */ heard = signal(0);
  /** @readonly */ reason = signal("");
  /** The events that came after the last break. @readonly */
  caughtUp = signal(/** @type {{events: number, reloaded: boolean, at: number} | null} */ (null));

  /** How many of the channels that are looked at do not stand where the hub's stand. @readonly */
  behind = computed(() => this.#list.value.filter((c) => c.state.value === "behind" || c.state.value === "loading").length);

  #list = signal(/** @type {readonly Channel[]} */ ([]));
  /** @type {Map<string, {channel: Channel, users: number, leave: () => void}>} */ #channels = new Map();
  /** Channels that became part of another one, by the other's name; with the name by which they were joined. */
  #moved = /** @type {Map<string, {name: string, channel: Channel}>} */ (new Map());
  #client;
  #watch = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);

  /** @param {{url: string, token: string, refresh: () => Promise<string>}} options */
  constructor({ url, token, refresh }) {
    super();
    const heard = () => this.#hear();
    this.#client = new Centrifuge(url, {
      token,
      getToken: refresh,
      name: "samepage-web",
      minReconnectDelay: 200,
      maxReconnectDelay: 5_000,
      websocket: class extends WebSocket {
        /** @param {string | URL} url @param {string | string[]} [protocols] */
        constructor(url, protocols) {
          super(url, protocols);
          this.addEventListener("message", heard); // every frame counts, pings too
        }
      },
    });
    this.#client.on("connected", () => this.#set("live"));
    this.#client.on("connecting", ({ code }) => this.#set(code === 0 ? "connecting" : "down"));
    this.#client.on("disconnected", ({ code, reason }) => {
      this.reason.value = code === 0 ? "" : reason;
      this.#set(code === 0 ? "off" : "refused");
    });
    this.#followMoves();
  }

  // Lifecycle

  connect() {
    this.#client.connect();
    this.#watch ??= setInterval(() => {
      if (this.link.peek() === "live" && Date.now() - this.heard.peek() > QUIET_AFTER) this.#set("quiet");
    }, 1000);
  }

  /** Positions are kept: `connect` catches up with exactly what was missed. */
  disconnect() {
    this.#client.disconnect();
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  /** Resolves when there is a live link and the channel, if it is looked at, has caught up. @param {string} name */
  ready(name) {
    return new Promise((resolve) => {
      const stop = effect(() => {
        const live = ["live", "quiet"].includes(this.link.value);
        const state = this.joined(name)?.state.value;
        // What was missed is applied in the turn in which the channel turns to synced.
        if (live && state !== "loading" && state !== "behind") queueMicrotask(() => (stop(), resolve(undefined)));
      });
    });
  }

  // Actions

  /** @param {string} method @param {unknown} data @returns {Promise<any>} */
  async rpc(method, data) {
    return (await this.#client.rpc(method, data)).data;
  }

  /** Sends what leaves no trace; lost if there is no link. @param {string} method @param {string} on @param {object} args */
  signal(method, on, args) {
    if (this.link.peek() === "live") this.#client.rpc(method, { on, args }).catch(() => {});
  }

  /** The channel of that name, shared by all who ask; `leave` when it is no longer looked at. @param {string} name */
  join(name) {
    let known = this.#channels.get(name);
    if (!known) {
      const channel = new Channel(name);
      this.#channels.set(name, (known = { channel, users: 0, leave: this.#subscribe(channel) }));
      this.#listChannels();
    }
    known.users++;
    return known.channel;
  }

  /** @param {string} name */
  leave(name) {
    const known = this.#channels.get(name);
    if (known && --known.users === 0) {
      this.#channels.delete(name);
      known.leave();
      this.#listChannels();
    }
  }

  /** A channel that somebody has joined. @param {string} name */
  joined(name) {
    for (const { channel } of this.#channels.values()) if (channel.name === name) return channel;
  }

  /** Hears the publications of a plain channel. @param {string} name @param {(data: any) => void} hear */
  listen(name, hear) {
    const sub = this.#client.newSubscription(name);
    sub.on("publication", ({ data }) => hear(data));
    sub.subscribe();
  }

  // The rest is how

  /** @param {Channel} channel @returns {() => void} */
  #subscribe(channel) {
    const sub = this.#client.newSubscription(channel.name, { recoverable: true, positioned: true });
    const drop = () => {
      sub.removeAllListeners();
      sub.unsubscribe();
      this.#client.removeSubscription(sub);
    };
    const anew = () => {
      drop();
      channel.state.value = "behind";
      const known = this.#channels.get(channel.name);
      if (known) known.leave = this.#subscribe(channel);
    };
    sub.on("subscribed", (begun) => this.#begin(channel, begun));
    sub.on("publication", ({ data, offset }) => {
      if (!offset) {
        channel.dispatchEvent(new CustomEvent("signal", { detail: data }));
        return;
      }
      try {
        const caughtUp = channel.how === "caught up";
        if (channel.apply(data, offset) && caughtUp) this.#count(1, false);
      } catch (err) {
        if (!(err instanceof LostThread)) throw err;
        anew();
      }
    });
    sub.on("subscribing", () => {
      if (!channel.position.peek()) return;
      if (!this.behind.peek()) this.caughtUp.value = null; // a break begins, and a tally of its own
      channel.state.value = "behind";
    });
    sub.on("unsubscribed", ({ code }) => {
      const into = code === MOVED && channel.entries.peek().alias?.doc.into;
      if (into) this.#moved.set(into, { name: sub.channel, channel });
      channel.state.value = into ? "behind" : "denied";
    });
    sub.on("error", ({ error }) => {
      if (error.code === 103) channel.state.value = "denied";
    });
    sub.subscribe();
    return drop;
  }

  /**
   * A context that was merged into another goes on as that one: what holds its channel notices a
   * snapshot and another name. The server subscribes by itself, so its events come to the client.
   */
  #followMoves() {
    this.#client.on("subscribed", ({ channel: name, ...begun }) => {
      const moved = this.#moved.get(name);
      if (!moved) return;
      moved.channel.name = name;
      this.#begin(moved.channel, begun);
    });
    this.#client.on("publication", ({ channel: name, data, offset }) => {
      if (offset) this.#moved.get(name)?.channel.apply(data, offset);
    });
    this.#client.on("unsubscribed", ({ channel: name }) => {
      const moved = this.#moved.get(name);
      if (!moved) return;
      // A new session knows nothing of the move: it is asked for by the first name again.
      this.#moved.delete(name);
      moved.channel.name = moved.name;
      moved.channel.state.value = "behind";
      const known = this.#channels.get(moved.name);
      if (known) known.leave = this.#subscribe(moved.channel);
    });
  }

  /** @param {Channel} channel @param {any} begun */
  #begin(channel, { recovered, wasRecovering, data, streamPosition }) {
    if (recovered) {
      channel.recover();
      this.#count(0, false);
    } else if (data?.entries && streamPosition) {
      channel.load(data.entries, streamPosition);
      if (wasRecovering) this.#count(0, true);
    }
  }

  #listChannels() {
    // Views join while they are drawn, and a signal is not written while it is read.
    queueMicrotask(() => (this.#list.value = [...this.#channels.values()].map((known) => known.channel)));
  }

  /** @param {number} events @param {boolean} reloaded */
  #count(events, reloaded) {
    const tally = this.caughtUp.peek();
    this.caughtUp.value = { events: (tally?.events ?? 0) + events, reloaded: reloaded || (tally?.reloaded ?? false), at: Date.now() };
  }

  /** @param {Link} link */
  #set(link) {
    this.link.value = link;
  }

  #hear() {
    this.heard.value = Date.now();
    if (this.link.peek() === "quiet") this.#set("live");
  }
}
