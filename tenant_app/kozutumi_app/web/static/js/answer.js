// A guest's answer to a request: a right to upload is asked for with the first file, then all is as for a member.

import { call } from "./api.js";
import { explain, limitsOf } from "./sending.js";
import { say, showProblem } from "./texts.js";
import { Uploads } from "./uploads.js";

const form = document.querySelector("[data-answer]");
const base = `/api/v1/q/${form.dataset.answer}`;
const button = form.querySelector("[data-send]");
let token = "";

const uploads = new Uploads(form, limitsOf(form), () => ({ "Upload-Token": token }));

async function begin() {
  const right = await call("POST", `${base}/uploads`, {});
  token = right.upload_token;
  return right.transfer_id;
}

uploads.onDone = async () => {
  try {
    await call("POST", `${base}/send`, { note: form.elements.note.value });
    location.assign(`/q/${form.dataset.answer}/sent`);
  } catch (problem) {
    explain(problem);
    button.disabled = false;
  }
};

uploads.takes = ["infected", "unscannable"]; // nobody opens them, and the others are not kept back
const known = [...form.querySelectorAll("[data-known]")];
known.forEach((element) => uploads.know(element));
if (known.length) {
  begin().catch(explain); // so that what was left can be removed, too
}

button.disabled = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  showProblem("");
  if (uploads.hindrance) {
    showProblem(say(uploads.hindrance));
    form.querySelector('input[type="file"]').focus();
    return;
  }
  button.disabled = true;
  try {
    uploads.start(await begin());
  } catch (problem) {
    explain(problem);
    button.disabled = false;
  }
});
