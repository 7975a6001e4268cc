// The last step both pages share: once every file is up, close the list and show the transfer.

import { call } from "./api.js";
import { say, showProblem } from "./texts.js";

export async function send(transfer, form) {
  try {
    await call("POST", `/api/v1/transfers/${transfer}/send`, {});
    location.assign(`/transfers/${transfer}`);
  } catch (problem) {
    if (problem.code === "not_deliverable" && location.search !== "?refused") {
      location.assign(`/transfers/${transfer}?refused`); // the draft's page says which file the scanner refused
      return;
    }
    explain(problem);
    form.querySelector("[data-send]").disabled = false;
  }
}

export function explain(problem) {
  showProblem(problem instanceof TypeError ? say("offline") : problem.message);
}

export const limitsOf = (form) => ({
  maxFileSize: Number(form.dataset.maxFileSize),
  quotaLeft: Number(form.dataset.quotaLeft),
});
