import { mount } from "./main.js";

mount(/** @type {Element} */ (document.querySelector("#app")));
