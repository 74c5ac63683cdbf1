/** The element with an id. */
export const byId = id => document.getElementById(id);

/** A new element with properties and children; texts become text, never markup. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("aria-") || name === "role" || name === "scope") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A new SVG element. */
export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Fills a list of choices; keeps the choice that was, where it is still there. */
export function fillChoices(select, choices) {
  const before = select.value;
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
  if (choices.some(([value]) => value === before)) select.value = before;
}

/** A number with so many decimals and a real minus sign. */
export const decimals = (value, count) => value.toFixed(count).replace("-", "−");

/** 1,234,567. */
export const grouped = value => Math.round(value).toLocaleString("en");

/** 12 s, 3 min 20 s, 1 h 05 min. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
}

/** Offers bytes as a file to be saved. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Says something to the user; an empty text says nothing. */
export function say(text, isError = false) {
  const status = byId("status");
  status.textContent = text;
  status.classList.toggle("error", isError);
}

/** A command line as text that a shell takes. */
export function shellText(words) {
  return words.map(word => /^[A-Za-z0-9._\/=,:+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** Shows a command. */
export function showCommand(words) {
  byId("command").textContent = shellText(words);
  byId("command-dialog").showModal();
}
