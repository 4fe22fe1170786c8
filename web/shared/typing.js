import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { usePage } from "./page.js";

/** How long somebody is thought to type after a sign of it, and how often one is sent, in milliseconds. */
const LIFE = 5000;
const EVERY = 2000;

/**
 * Who else types in a conversation, and what to call while this person does.
 *
 * @param {import("./channel.js").Channel} channel
 * @param {string | undefined} conversation
 * @returns {[import("./entries.js").Actor | null, () => void]}
 */
export function useTyping(channel, conversation) {
  const { connection, session } = usePage();
  const [typist, setTypist] = useState(/** @type {import("./entries.js").Actor | null} */ (null));
  const told = useRef(0);

  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let fades;
    const set = (/** @type {typeof typist} */ by) => {
      clearTimeout(fades);
      setTypist(by);
      if (by) fades = setTimeout(() => setTypist(null), LIFE);
    };
    const signal = (/** @type {any} */ { detail: { type, by, data } }) => {
      const self = by.role === session.role && (by.id ?? session.id) === session.id;
      if (type === "signal.typing" && data?.conversation === conversation && !self) set(by);
    };
    const event = (/** @type {any} */ { detail: { event } }) => event.type === "conversation.message_posted" && set(null);
    channel.addEventListener("signal", signal);
    channel.addEventListener("event", event);
    return () => {
      set(null);
      channel.removeEventListener("signal", signal);
      channel.removeEventListener("event", event);
    };
  }, [channel, conversation]);

  const tell = () => {
    if (!conversation || Date.now() - told.current < EVERY) return;
    told.current = Date.now();
    connection.signal("signal.typing", channel.name, { conversation });
  };
  return [typist, tell];
}
