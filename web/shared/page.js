import { createContext, render } from "../vendor/preact.js";
import { useContext, useEffect, useMemo } from "../vendor/hooks.js";
import { Banner } from "./banner.js";
import { startClock } from "./clock.js";
import { Commands } from "./command.js";
import { Connection } from "./connection.js";
import { html } from "./html.js";
import { say } from "./problem.js";
import { demoSession, Tokens } from "./session.js";
import { SignIn } from "./sign_in.js";
import { ToastList, Toasts } from "./toasts.js";

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {{session: Session, demo: boolean, connection: Connection, commands: Commands, toasts: Toasts}} PageContext demo: the
 *   session is one that the demo gave
 * @typedef {{role: "customer" | "pos" | "agent", id: string, store?: string, title: string, view: () => any}} PageOptions
 */

const Context = createContext(/** @type {PageContext} */ (/** @type {unknown} */ (null)));

/** What a view of this page works with. */
export function usePage() {
  return useContext(Context);
}

/** The channel, read for as long as the view is there. @param {string} name */
export function useChannel(name) {
  const { connection } = usePage();
  const channel = useMemo(() => connection.join(name), [name]);
  useEffect(() => () => connection.leave(name), [name]);
  return channel;
}

/**
 * Hears every event of a channel while the view is there.
 *
 * @param {import("./channel.js").Channel} channel
 * @param {(event: import("./entries.js").HubEvent, how: string) => void} hear
 */
export function useEvents(channel, hear) {
  useEffect(() => {
    const listener = (/** @type {any} */ { detail }) => hear(detail.event, detail.how);
    channel.addEventListener("event", listener);
    return () => channel.removeEventListener("event", listener);
  }, [channel]);
}

/** Sends a command and tells the person of a refusal. Answers whether it was accepted. */
export function useSend() {
  const { commands, toasts } = usePage();
  return async (/** @type {string} */ method, /** @type {string} */ on, /** @type {object} */ args, options = {}) => {
    const answer = await commands.send(method, on, args, options);
    if (answer.problem) toasts.show(say(answer.problem), "bad");
    return answer;
  };
}

/** Puts a page into an element. @param {Element} root @param {PageOptions} options */
export async function mountPage(root, options) {
  const tokens = new Tokens(options.role);
  root.classList.add("page");
  startClock();
  render(html`<p class="empty" role="status">Looking for the hub…</p>`, root);
  try {
    const session = tokens.kept() ?? (await demoSession(options.role, options.id, options.store));
    if (session) open(session);
    else signIn();
  } catch (err) {
    signIn(String(/** @type {Error} */ (err).message ?? err));
  }

  /** @param {string} [reason] */
  function signIn(reason) {
    const enter = (/** @type {string} */ token) => open(tokens.keep(token));
    render(html`<${SignIn} title=${options.title} reason=${reason} enter=${enter} />`, root);
  }

  /** @param {Session} session */
  function open(session) {
    const toasts = new Toasts();
    const connection = new Connection({
      url: `${location.origin.replace(/^http/, "ws")}/connection/websocket`,
      token: session.token,
      refresh: async () => (await demoSession(session.role, session.id))?.token ?? "",
    });
    const commands = new Commands(connection);
    connection.listen("news", ({ text }) => text && toasts.show(String(text), "news"));
    connection.link.subscribe((link) => {
      root.setAttribute("data-link", link);
      if (link === "refused" && tokens.kept()) {
        tokens.forget();
        signIn(connection.reason.peek());
      }
    });
    const page = { session, demo: !tokens.kept(), connection, commands, toasts };
    render(
      html`<${Context.Provider} value=${page}>
        <${Banner} connection=${connection} commands=${commands} />
        <${options.view} />
        <${ToastList} toasts=${toasts} />
      <//>`,
      root,
    );
    connection.connect();
  }
}
