// A draft that was left: files already up are kept, unfinished ones go on where they stopped once chosen again.

import { limitsOf, send } from "./sending.js";
import { say, showProblem } from "./texts.js";
import { Uploads } from "./uploads.js";

const form = document.querySelector("[data-draft]");
const uploads = new Uploads(form, limitsOf(form));
const button = form.querySelector("[data-send]");
const transfer = form.dataset.draft;

uploads.takes = form.dataset.releases ? ["unscannable"] : []; // it waits for its release, as if the scanner were slower
form.querySelectorAll("[data-known]").forEach((element) => uploads.know(element));

button.disabled = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  showProblem("");
  if (uploads.hindrance) {
    showProblem(say(uploads.hindrance));
    return;
  }
  button.disabled = true;
  uploads.onDone = () => send(transfer, form);
  uploads.start(transfer);
});
