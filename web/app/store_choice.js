import { html } from "../shared/html.js";
import { useShelf } from "./shelf.js";

/**
 * One store to pick the order up at, with what stands against it.
 *
 * @param {{id: string, name: string, lines: import("./basket.js").Line[], chosen: boolean, choose: () => void}} props
 */
export function StoreChoice({ id, name, lines, chosen, choose }) {
  const shelf = useShelf(id);
  const out = lines.filter((l) => shelf.status(l.sku) === "out").map((l) => l.name);
  const low = lines.filter((l) => shelf.status(l.sku) === "low").map((l) => l.name);
  const note = shelf.paused
    ? "takes no orders just now"
    : out.length
      ? `no ${out.join(", ")}`
      : [low.length && `few left: ${low.join(", ")}`, shelf.later && `${shelf.later} min longer today`].filter(Boolean).join(" · ");
  return html`<label class="choice">
    <input type="radio" name="store" value=${id} checked=${chosen} onChange=${choose} />
    <span>${name} ${note && html`<small class=${shelf.paused || out.length ? "note" : ""}>${note}</small>`}</span>
  </label>`;
}
