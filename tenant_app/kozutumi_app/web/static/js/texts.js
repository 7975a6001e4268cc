// Sentences come from the page, translated by the server; sizes are written as the server writes them.

const holder = document.querySelector("[data-texts]");

export function say(key, values = {}) {
  const text = holder?.dataset[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function size(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const maximumFractionDigits = unit === 0 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits }).format(value)} ${units[unit]}`;
}

export function showProblem(text) {
  const box = document.querySelector("[data-problem]");
  box.querySelector("p").textContent = text;
  box.hidden = !text;
  if (text) {
    box.scrollIntoView({ block: "nearest" });
  }
}
