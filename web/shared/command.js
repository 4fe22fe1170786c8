import { signal } from "../vendor/signals-core.js";
import { uuidv7 } from "./uuid.js";

/**
 * @typedef {import("./problem.js").Problem} Problem
 * @typedef {import("./entries.js").HubEvent} HubEvent
 * @typedef {{epoch?: string, offset?: number, event?: HubEvent, replayed?: boolean, result?: any, problem?: Problem}} Answer
 * @typedef {{id: string, method: string, on: string, args: any, ifVersion?: Record<string, number>,
 *   since: number, attempts: number}} Command
 *
 * @typedef {object} Line what commands are sent over; a [Connection] is one
 * @property {(name: string) => Promise<unknown>} ready
 * @property {(method: string, data: unknown) => Promise<any>} rpc
 * @property {(name: string) => (EventTarget & {saw(id: string): boolean}) | undefined} joined
 */

/** Errors of the protocol that no retry mends, and the problem that each one is. */
const FINAL = new Map([[101, "unauthorized"], [103, "forbidden"], [104, "unknown_method"], [107, "bad_request"], [108, "bad_request"]]);

/**
 * Sends commands, in the order they were made on each channel, and remembers which are under
 * way: `pending` is what a view shows as not yet true. A command without an answer is sent
 * again with the same id, so it has one effect however often it takes.
 */
export class Commands {
  /** @readonly */ pending = signal(/** @type {readonly Command[]} */ ([]));
  /** @type {Map<string, Promise<unknown>>} */ #turns = new Map();
  /** @type {Set<string>} */ #sent = new Set();
  #line;
  #wait;
  #attempts;

  /**
   * @param {Line} line
   * @param {{wait?: (attempt: number) => Promise<unknown>, attempts?: number}} [options]
   */
  constructor(line, { wait = backoff, attempts = 8 } = {}) {
    this.#line = line;
    this.#wait = wait;
    this.#attempts = attempts;
  }

  /**
   * Never rejects: what went wrong is a problem in the answer.
   *
   * @param {string} method
   * @param {string} on a channel, "" for what addresses none
   * @param {object} args
   * @param {{ifVersion?: Record<string, number>, id?: string}} [options]
   * @returns {Promise<Answer>}
   */
  async send(method, on, args, { ifVersion, id = uuidv7() } = {}) {
    /** @type {Command} */
    const command = { id, method, on, args, ifVersion, since: Date.now(), attempts: 0 };
    this.#sent.add(id);
    this.pending.value = [...this.pending.peek(), command];
    const answered = (this.#turns.get(on) ?? Promise.resolve()).then(() => this.#deliver(command));
    this.#turns.set(on, answered);
    const answer = await answered;
    if (this.#turns.get(on) === answered) this.#turns.delete(on);
    if (answer.event && !answer.replayed) this.#seen(command).then(() => this.#settle(command));
    else this.#settle(command);
    return answer;
  }

  /** Whether a command that fits is under way. @param {(c: Command) => boolean} fits */
  has(fits) {
    return this.pending.value.some(fits);
  }

  /** Whether a command of that id was sent from here. @param {string | undefined} id */
  sent(id) {
    return id !== undefined && this.#sent.has(id);
  }

  /** @param {Command} command @returns {Promise<Answer>} */
  async #deliver({ id, method, on, args, ifVersion }) {
    /** @type {Answer} */
    let last = { problem: { code: "unreached", message: "no answer" } };
    for (let attempt = 0; attempt < this.#attempts; attempt++) {
      if (attempt) await this.#wait(attempt);
      await this.#line.ready(on);
      try {
        const answer = await this.#line.rpc(method, { id, ...(on && { on }), args, ...(ifVersion && { if_version: ifVersion }) });
        if (answer.problem?.code !== "unavailable") return answer;
        last = answer;
      } catch (err) {
        const { code, message } = /** @type {{code: number, message: string}} */ (err);
        const final = FINAL.get(code);
        if (final) return { problem: { code: final, message } };
      }
    }
    return last;
  }

  /** Resolves when the command's event is on the channel, or after two seconds without it. @param {Command} command */
  #seen({ id, on }) {
    const channel = this.#line.joined(on);
    if (!channel || channel.saw(id)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timeout);
        channel.removeEventListener("event", look);
        resolve(undefined);
      };
      const look = () => channel.saw(id) && done();
      const timeout = setTimeout(done, 2000);
      channel.addEventListener("event", look);
    });
  }

  /** @param {Command} command */
  #settle(command) {
    this.pending.value = this.pending.peek().filter((c) => c.id !== command.id);
  }
}

/** 200 ms, doubling up to 5 s, each spread over its half. @param {number} attempt */
export function backoff(attempt) {
  const most = Math.min(5000, 100 * 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, most / 2 + (Math.random() * most) / 2));
}
