// A new transfer: the draft is created on the first click, then its address is the page's, so a reload finds it.

import { call } from "./api.js";
import { recipientField } from "./recipients.js";
import { explain, limitsOf, send } from "./sending.js";
import { say, showProblem } from "./texts.js";
import { Uploads } from "./uploads.js";

const form = document.querySelector("[data-compose]");
const recipients = recipientField(form.querySelector("[data-recipients]"));
const uploads = new Uploads(form, limitsOf(form));
const button = form.querySelector("[data-send]");
const FIXED = ["subject", "message", "expires_in", "max_downloads", "locale", "authentication", "hold_for", "notify"];
let transfer = null;

uploads.onDone = () => send(transfer, form);

async function create(addresses) {
  const locale = form.elements.locale.value;
  const created = await call("POST", "/api/v1/transfers", {
    recipients: addresses.map((email) => ({ email, locale })),
    subject: form.elements.subject.value,
    message: form.elements.message.value,
    expires_in: Number(form.elements.expires_in.value),
    max_downloads: Number(form.elements.max_downloads.value),
    authentication: form.elements.authentication.value,
    password: form.elements.authentication.value === "Password" ? form.elements.password.value || null : null,
    hold_for: Number(form.elements.hold_for.value),
    notify: form.elements.notify.value,
  });
  if (created.password) {
    form.elements.password.value = created.password; // drawn by the server: this is the only time it is shown
  }
  return created.id;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  showProblem("");
  if (uploads.hindrance) {
    showProblem(say(uploads.hindrance));
    form.querySelector('input[type="file"]').focus();
    return;
  }
  const addresses = recipients.addresses();
  if (!addresses) {
    return;
  }
  button.disabled = true;
  try {
    transfer ??= await create(addresses);
    history.replaceState(null, "", `/transfers/${transfer}`);
    recipients.lock();
    for (const name of FIXED) {
      form.elements[name].disabled = true;
    }
    form.elements.password.readOnly = true;
    uploads.start(transfer);
  } catch (problem) {
    explain(problem);
    button.disabled = false;
  }
});
