// Who was refused by the broker, beside the guide: a printer with a wrong password appears nowhere else.

import { ask } from "./api.js";
import { element } from "./elements.js";

const AGAIN_MS = 5000;
const MOST_SHOWN = 8;

/** A list that keeps itself up to date for as long as it can be seen; nothing while nobody is refused. */
export function refusedClients() {
  const list = element("ul", "refused");
  list.hidden = true;
  list.setAttribute("role", "status");
  refresh(list);
  return list;
}

async function refresh(list) {
  try {
    const { items } = await ask("/refused-clients");
    draw(list, items.filter((client) => client.current).slice(0, MOST_SHOWN));
  } catch {
    // The page says elsewhere that the server does not answer.
  }
  setTimeout(() => (list.isConnected ? refresh(list) : null), AGAIN_MS);
}

function draw(list, clients) {
  list.hidden = clients.length === 0;
  const lines = clients.map(({ client_id: name, address, words, remedy }) =>
    element("li", "", element("b", "", who(name, address)), ` was refused: ${words}. `, element("span", "", `Remedy: ${remedy}.`)));
  // Left alone where nothing changed, so that a reader's selection stays.
  if (list.textContent !== lines.map((line) => line.textContent).join("")) list.replaceChildren(...lines);
}

function who(name, address) {
  return `${name || "A client"}${address ? ` at ${address}` : ""}`;
}
