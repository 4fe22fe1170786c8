import { mountPage } from "../shared/page.js";
import { Board } from "./board.js";

/** Puts a store's order board into an element. @param {Element} root @param {URLSearchParams} query */
export function mount(root, query = new URLSearchParams(location.search)) {
  const id = query.get("till") ?? "";
  return mountPage(root, { role: "pos", id, store: query.get("store") ?? "s1", title: "Samepage order board", view: Board });
}
