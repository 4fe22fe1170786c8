import { backoff } from "./command.js";

/**
 * @typedef {object} Session who is looking, as the token says it
 * @property {string} token
 * @property {string} role
 * @property {string} id
 * @property {string} name
 * @property {string} context
 * @property {string} store
 * @property {string[]} queues
 */

/** What a token claims. It is read here only to know what to ask for; the hub checks it. @param {string} token @returns {Session} */
export function read(token) {
  const [, payload] = token.trim().split(".");
  if (!payload) throw new Error("This is not a token: it has three parts with dots between");
  const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes));
  if (!claims.sub) throw new Error("This token names nobody (sub)");
  const role = claims.role ?? "guest";
  return {
    token: token.trim(),
    role,
    id: claims.sub,
    name: claims.name ?? claims.info?.name ?? claims.sub,
    context: claims.context ?? (role === "customer" ? claims.sub : ""),
    store: claims.store ?? "",
    queues: claims.queues ?? [],
  };
}

/** Where tokens of a page are kept: until the tab is closed. */
export class Tokens {
  #key;
  #role;

  /** @param {string} role @param {Storage} [storage] */
  constructor(role, storage = sessionStorage) {
    this.#role = role;
    this.#key = `samepage.token.${role}`;
    this.storage = storage;
  }

  /** A session from what was kept; null if there is none. */
  kept() {
    const token = this.storage.getItem(this.#key);
    try {
      return token ? read(token) : null;
    } catch {
      this.forget();
      return null;
    }
  }

  /** Keeps a token that a person gave. @param {string} token @throws {Error} with the reason, for the person */
  keep(token) {
    let session;
    try {
      session = read(token);
    } catch (err) {
      throw err instanceof SyntaxError || err instanceof DOMException ? new Error("This token cannot be read") : err;
    }
    if (session.role !== this.#role && !(this.#role === "agent" && session.role === "supervisor")) {
      throw new Error(`This page is for the role ${this.#role}; the token says ${session.role}`);
    }
    this.storage.setItem(this.#key, session.token);
    return session;
  }

  forget() {
    this.storage.removeItem(this.#key);
  }
}

/**
 * The session that the demo gives; null where there is no demo, or nobody like that in it.
 *
 * @param {string} role
 * @param {string} id "" for the first of that role
 * @param {string} [store] of a till: the first one there
 * @returns {Promise<Session | null>}
 */
export async function demoSession(role, id, store) {
  if (!id && store) id = (await demoPeople()).find((p) => p.role === role && p.store === store)?.id ?? "";
  const answer = await ask(`/demo/session?${new URLSearchParams(id ? { role, id } : { role })}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`The demo gave no session (${answer.status})`);
  const { token, ...rest } = await answer.json();
  return { ...read(token), ...rest, token, queues: rest.queues ?? read(token).queues };
}

/** Everybody in the demo. @returns {Promise<{role: string, id: string, name: string, store?: string}[]>} */
export async function demoPeople() {
  const answer = await ask("/demo/session");
  return answer.ok ? ((await answer.json()).people ?? []) : [];
}

/** Asks again for as long as the hub is not there: it may be starting. @param {string} path */
async function ask(path) {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(path).catch(() => null);
    if (answer && answer.status < 500) return answer;
    await backoff(attempt);
  }
}
