import { merge } from "./merge.js";

/**
 * @typedef {{v: number, doc: any}} Entry one versioned document
 * @typedef {Readonly<Record<string, Entry>>} Entries key -> entry; never changed, only replaced
 * @typedef {{key: string, v: number, patch?: object, doc?: object, gone?: boolean}} Change
 * @typedef {{role?: string, id?: string, name?: string, via?: string}} Actor
 * @typedef {{type: string, at: string, by: Actor, cause?: string, changes?: Change[], data?: any}} HubEvent
 */

/** A patch came for an entry that is not here: what is held is not what the hub held. */
export class LostThread extends Error {}

/**
 * The entries after an event: exactly those that the hub holds at the event's offset, as
 * far as this audience sees them.
 *
 * @param {Entries} entries
 * @param {HubEvent} event
 * @returns {Entries}
 * @throws {LostThread}
 */
export function apply(entries, event) {
  if (!event.changes?.length) return entries;
  const after = { ...entries };
  for (const { key, v, patch, doc, gone } of event.changes) {
    if (gone) delete after[key];
    else if (doc) after[key] = { v, doc };
    else if (!Object.hasOwn(after, key)) throw new LostThread(`a patch for ${key}, which is not here`);
    else after[key] = { v, doc: merge(after[key].doc, patch) };
  }
  return after;
}

/**
 * The entries of one kind: "order" -> [["o1", entry], …], without the kind in front.
 *
 * @param {Entries} entries
 * @param {string} kind
 * @returns {[string, Entry][]}
 */
export function ofKind(entries, kind) {
  const prefix = kind + "/";
  return Object.entries(entries)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, entry]) => [key.slice(prefix.length), entry]);
}
