import { useState } from "../vendor/hooks.js";
import { html } from "./html.js";

/** Asks for a token where there is no demo to give one. @param {{title: string, reason?: string, enter: (token: string) => void}} props */
export function SignIn({ title, reason, enter }) {
  const [problem, setProblem] = useState(reason ?? "");
  const submit = (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (e.currentTarget));
    try {
      enter(String(form.get("token")));
    } catch (err) {
      setProblem(/** @type {Error} */ (err).message);
    }
  };
  return html`<form class="sign-in" onSubmit=${submit}>
    <h1>${title}</h1>
    <label>Token <textarea name="token" rows="4" required spellcheck=${false} autocomplete="off"></textarea></label>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <button class="primary">Sign in</button>
    <p class="hint">Make one with <code>samepage token</code>. It is kept until this tab is closed. What a role may do is in the <a href="/docs/#tokens">docs</a>.</p>
  </form>`;
}
