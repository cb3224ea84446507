// Who is refused by the broker, above everything: a printer with a wrong password appears nowhere else.

import { ask } from "./api.js";
import { element } from "./elements.js";

const AGAIN_MS = 10000;
const MOST_SHOWN = 8;

/** Keeps the list up to date; it is hidden while nobody is refused. */
export async function watchRefusals(list) {
  if (!document.hidden) {
    try {
      const { items } = await ask("/refused-clients");
      draw(list, items.filter((client) => client.current).slice(0, MOST_SHOWN));
    } catch {
      // The page says elsewhere that the server does not answer.
    }
  }
  setTimeout(() => watchRefusals(list), AGAIN_MS);
}

function draw(list, clients) {
  list.hidden = clients.length === 0;
  const lines = clients.map(({ client_id: name, address, words, remedy }) =>
    element("li", "", element("b", "", who(name, address)), ` was refused: ${words}. `, element("span", "", `Remedy: ${remedy}.`)));
  // Left alone where nothing changed, so that it is not read out again and a selection stays.
  if (list.textContent !== lines.map((line) => line.textContent).join("")) list.replaceChildren(...lines);
}

function who(name, address) {
  return `${name || "A client"}${address ? ` at ${address}` : ""}`;
}
