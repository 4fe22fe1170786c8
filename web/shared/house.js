import { mount as app } from "../app/main.js";
import { mount as desk } from "../desk/main.js";
import { mount as pos } from "../pos/main.js";
import { mountCast } from "./cast.js";
import { demoPeople } from "./session.js";

// Three touchpoints on one page, each with a socket of its own.
for (const [id, mount] of Object.entries({ app, pos, desk })) {
  mount(/** @type {Element} */ (document.querySelector(`#${id}`)));
}
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".touchpoint > header a"))) {
  link.search = location.search;
}
mountCast(/** @type {Element} */ (document.querySelector("#cast")), await demoPeople());
