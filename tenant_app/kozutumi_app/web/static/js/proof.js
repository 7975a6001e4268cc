// The password field belongs to one proof only; drawing one fills it, so that the sender sees what to tell.

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567"; // 32, none like another when read out

function draw() {
  const letters = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => LETTERS[byte % LETTERS.length]);
  return letters.join("").replace(/.{4}(?=.)/g, "$&-");
}

for (const select of document.querySelectorAll("[data-proof]")) {
  const field = document.querySelector("[data-password]");
  const input = field.querySelector("input");
  const show = () => {
    field.hidden = select.value !== "Password";
    input.disabled = field.hidden;
  };
  select.addEventListener("change", () => {
    show();
    if (!field.hidden && !input.value) {
      input.value = draw();
    }
  });
  field.querySelector("button").addEventListener("click", () => {
    input.value = draw();
    input.focus();
  });
  show();
  if (!field.hidden && !input.value && field.dataset.password === "new") {
    input.value = draw();
  }
}
