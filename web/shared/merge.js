/** @typedef {null | boolean | number | string | unknown[] | {[name: string]: unknown}} JSONValue */

/**
 * What a merge patch (RFC 7386) makes of a document. Neither is changed; what the
 * patch does not touch is shared with the result.
 *
 * @param {unknown} doc
 * @param {unknown} patch
 * @returns {any}
 */
export function merge(doc, patch) {
  if (!isObject(patch)) return patch;
  const made = isObject(doc) ? { ...doc } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete made[name];
    else define(made, name, merge(Object.hasOwn(made, name) ? made[name] : undefined, value));
  }
  return made;
}

/** @param {unknown} v @returns {v is {[name: string]: unknown}} */
function isObject(v) {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

/** A plain assignment to "__proto__" would set the prototype and lose the field. @param {object} o @param {string} name @param {unknown} value */
function define(o, name, value) {
  Object.defineProperty(o, name, { value, writable: true, enumerable: true, configurable: true });
}
