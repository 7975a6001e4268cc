// On every page: confirmation dialogs, and actions that appear with the state of a transfer.
// Loaded before anything is shown: a button that is pressed without this script does at once what it should ask about.

function ask(form) {
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.id = "confirm-text";
  text.textContent = form.dataset.confirm;
  dialog.setAttribute("aria-labelledby", text.id);
  const row = document.createElement("div");
  row.className = "actions";
  const no = button(form.dataset.confirmNo, "button");
  const yes = button(form.dataset.confirmYes, "button danger");
  row.append(no, yes);
  dialog.append(text, row);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    form.dataset.confirmed = "yes";
    dialog.close();
    form.requestSubmit();
  });
  dialog.showModal();
  no.focus();
}

function button(label, className) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.textContent = label;
  return element;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && form.dataset.confirmed !== "yes") {
    event.preventDefault();
    ask(form);
  }
});

document.addEventListener("DOMContentLoaded", () => {
  const status = document.getElementById("status");
  if (!status) {
    return;
  }
  const show = () => {
    for (const element of document.querySelectorAll("[data-only-if]")) {
      element.hidden = !element.dataset.onlyIf.split(" ").includes(status.dataset.state);
    }
  };
  new MutationObserver(show).observe(status, { attributes: true, attributeFilter: ["data-state"] });
});
