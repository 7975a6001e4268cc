// A draft that was left: files already up are kept, unfinished ones go on where they stopped once chosen again.

import { limitsOf, send } from "./sending.js";
import { say, showProblem } from "./texts.js";
import { Uploads } from "./uploads.js";

const form = document.querySelector("[data-draft]");
const uploads = new Uploads(form, limitsOf(form));
const button = form.querySelector("[data-send]");
const transfer = form.dataset.draft;

form.querySelectorAll("[data-known]").forEach((element) => uploads.know(element));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  showProblem("");
  if (uploads.empty) {
    showProblem(say("noFiles"));
    return;
  }
  if (uploads.entries.some((entry) => entry.state === "reselect")) {
    showProblem(say("reselect"));
    return;
  }
  if (uploads.entries.some((entry) => ["infected", "unscannable"].includes(entry.state))) {
    showProblem(say("refused"));
    return;
  }
  button.disabled = true;
  uploads.onDone = () => send(transfer, form);
  uploads.start(transfer);
});
