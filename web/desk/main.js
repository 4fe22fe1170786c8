import { mountPage } from "../shared/page.js";
import { Desk } from "./desk.js";

/** Puts an agent's desk into an element. @param {Element} root @param {URLSearchParams} query */
export function mount(root, query = new URLSearchParams(location.search)) {
  return mountPage(root, { role: "agent", id: query.get("agent") ?? "anna", title: "Samepage desk", view: Desk });
}
