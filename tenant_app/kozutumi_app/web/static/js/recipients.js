// Addresses as chips. The plain input stays the form's field, so the form also works as it is.

import { say } from "./texts.js";

const ADDRESS = /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/u;

export function recipientField(root) {
  const input = root.querySelector("input");
  const list = root.querySelector(".chips");
  const template = root.querySelector("template");
  const problem = root.querySelector("[data-recipient-problem]");
  const chosen = new Map();

  function refuse(text) {
    problem.textContent = text;
    problem.hidden = !text;
    input.setAttribute("aria-invalid", text ? "true" : "false");
  }

  function add(address) {
    const key = address.normalize("NFC").toLowerCase();
    if (chosen.has(key)) {
      return;
    }
    const chip = template.content.firstElementChild.cloneNode(true);
    chip.querySelector("span").textContent = address;
    const remove = chip.querySelector("button");
    remove.setAttribute("aria-label", say("removeLabel", { name: address }));
    remove.addEventListener("click", () => {
      chosen.delete(key);
      chip.remove();
      input.focus();
    });
    chosen.set(key, address);
    list.append(chip);
  }

  // Moves what is typed into chips; false if something typed is no address.
  function take() {
    const parts = input.value.split(/[\s,;、，；]+/u).filter(Boolean);
    const wrong = parts.filter((part) => !ADDRESS.test(part));
    parts.filter((part) => ADDRESS.test(part)).forEach(add);
    input.value = wrong.join(" ");
    refuse(wrong.length ? say("badAddress", { name: wrong[0] }) : "");
    return wrong.length === 0;
  }

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter" && input.value.trim()) {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && !input.value) {
      list.lastElementChild?.querySelector("button").click();
    }
  });
  input.addEventListener("input", () => {
    if (/[,;、，；]$/u.test(input.value)) {
      take();
    }
  });
  take();

  return {
    // The addresses, or null after saying what is wrong.
    addresses() {
      if (!take()) {
        input.focus();
        return null;
      }
      if (chosen.size === 0) {
        refuse(say("noRecipients"));
        input.focus();
        return null;
      }
      return [...chosen.values()];
    },
    lock() {
      root.querySelectorAll("input, button").forEach((element) => (element.disabled = true));
    },
  };
}
