import { mountPage } from "../shared/page.js";
import { App } from "./app.js";

/** Puts the customer's app into an element. @param {Element} root @param {URLSearchParams} query */
export function mount(root, query = new URLSearchParams(location.search)) {
  return mountPage(root, { role: "customer", id: query.get("customer") ?? "c-42", title: "Samepage app", view: App });
}
