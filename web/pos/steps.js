import { seconds } from "../shared/clock.js";

/** A method and what its button says. @typedef {[string, string]} Step */

/** What can be done to a pickup in each column: the one to reach for first comes first. @type {Record<string, Step[]>} */
const pickup = {
  new: [["fulfilment.start", "Start"]],
  making: [["fulfilment.ready", "Ready"]],
  ready: [["fulfilment.complete", "Picked up"], ["fulfilment.recall", "Back to making"]],
  done: [["fulfilment.undo", "Bring back"]],
};

/** How long what was handed over can be brought back, in milliseconds; the hub has the last word. */
const BRING_BACK = 60_000;

/** What a till can do to a ticket now. A backend packs and ships. @param {any} doc @returns {Step[]} */
export function stepsOf(doc) {
  if (doc.type === "shipment" && doc.column !== "new") return [];
  if (doc.column === "done" && !(seconds.value - Date.parse(doc.done_at) < BRING_BACK)) return [];
  return pickup[doc.column] ?? [];
}

/** What takes a step back, and what is said of the step; nothing if it cannot be. @param {string} method */
export function undoOf(method) {
  switch (method) {
    case "fulfilment.ready":
      return { method: "fulfilment.recall", says: "is ready" };
    case "fulfilment.complete":
      return { method: "fulfilment.undo", says: "was picked up" };
  }
}
