// What an empty farm shows: how a printer finds the broker, ready to be copied.

import { ask } from "./api.js";
import { element } from "./elements.js";

const SAMPLE = "bay1";
const HIDDEN = "••••••••";

/** Fills the guide from what the server knows about its broker. */
export async function drawGuide(parent) {
  const setup = await ask("/setup");
  const broker = brokerOf(setup);
  parent.replaceChildren(
    element(
      "div", "welcome",
      element("h2", "", "Waiting for the first printer"),
      element("p", "", "Printers appear here by themselves as soon as they publish to the broker. ",
        "Set up any of the three ways below; nothing needs to be entered on this side."),
      brokerCard(broker, setup),
    ),
    element("div", "ways", octoprint(broker, setup), moonraker(broker, setup), native(broker, setup)),
    element("p", "pulse", element("i"), "Listening for printers"),
  );
}

function brokerOf(setup) {
  return {
    host: setup.host ?? location.hostname,
    port: setup.port ?? 1883,
    username: setup.username,
    password: setup.password,
  };
}

function brokerCard(broker, setup) {
  const rows = [["Host", broker.host], ["Port", String(broker.port)]];
  if (setup.tls) rows.push(["TLS", "on"]);
  if (broker.username) rows.push(["User", broker.username]);
  if (broker.password) rows.push(["Password", broker.password, true]);
  const card = element("dl", "broker");
  for (const [name, text, secret] of rows) {
    card.append(element("dt", "", name), element("dd", "", secret ? hiddenText(text) : element("code", "", text), copyButton(text, name)));
  }
  if (broker.username && !broker.password) {
    card.append(element("dt", "", "Password"), element("dd", "", "the one set for this user at the broker"));
  }
  return card;
}

function octoprint(broker, setup) {
  const topic = topicOf(setup, "octoprint", "octoPrint");
  return way(
    "OctoPrint",
    [
      ["Install the plugin “MQTT” from OctoPrint's plugin manager."],
      ["Settings → MQTT → Broker: host ", code(broker.host), ", port ", code(broker.port), ...login(broker),
        ", MQTT version ", code("3.1.1"), "."],
      ["Settings → MQTT → Topics: base topic ", code(`${topic}/`), ". ", ...naming(setup, "octoprint")],
    ],
  );
}

function moonraker(broker, setup) {
  const topic = topicOf(setup, "moonraker", SAMPLE);
  const lines = [
    "[mqtt]",
    `address: ${broker.host}`,
    `port: ${broker.port}`,
    ...(broker.username ? [`username: ${broker.username}`] : []),
    ...(broker.username ? [`password: ${broker.password ?? "the broker's password"}`] : []),
    "mqtt_protocol: v3.1.1",
    `instance_name: ${topic}`,
    "default_qos: 1",
    "status_interval: 1",
    "status_objects:",
    ...["webhooks", "print_stats", "virtual_sdcard", "display_status", "heater_bed", "extruder", "idle_timeout", "pause_resume"]
      .map((name) => `  ${name}`),
  ];
  return way(
    "Klipper with Moonraker",
    [
      ["Add this to ", code("moonraker.conf"), ". ", ...naming(setup, "moonraker")],
      ["Restart Moonraker."],
    ],
    lines.join("\n"),
    broker.password,
  );
}

function native(broker, setup) {
  const topic = topicOf(setup, "native", `layerline/native/v1/${SAMPLE}`);
  const login = broker.username ? ` -u ${broker.username} -P ${quoted(broker.password ?? "…")}` : "";
  const state = JSON.stringify({ v: 1, at: new Date().toISOString(), state: "idle", job: null });
  return way(
    "Anything that can publish MQTT",
    [["Publish Layerline's own messages: JSON below ", code(topic), ". To try it:"]],
    `mosquitto_pub -h ${broker.host} -p ${broker.port}${login} -q 1 -r \\\n  -t ${quoted(`${topic}/state`)} \\\n  -m ${quoted(state)}`,
    broker.password,
  );
}

/** One way to set a printer up; `secret` is copied with the block but not shown in it. */
function way(title, steps, block = null, secret = null) {
  const made = element("section", "way", element("h3", "", title));
  made.append(element("ol", "", ...steps.map((step) => element("li", "", ...step))));
  if (block !== null) made.append(element("div", "block", copyButton(block, `settings for ${title}`), element("pre", "", masked(block, secret))));
  return made;
}

function masked(text, secret) {
  return secret ? text.replaceAll(secret, HIDDEN) : text;
}

function topicOf(setup, adapter, usual) {
  const hint = setup.topics.find((topic) => topic.adapter === adapter);
  return (hint?.topic ?? usual).replace("{printer}", SAMPLE);
}

function naming(setup, adapter) {
  const hint = setup.topics.find((topic) => topic.adapter === adapter);
  const named = adapter === "moonraker" || hint?.topic.includes("{printer}");
  return named ? [code(SAMPLE), " is the printer's name: choose another for each."] : [];
}

function login({ username, password }) {
  if (!username) return [];
  return [", user ", code(username), ...(password ? [", password as above"] : [", its password"])];
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function code(text) {
  return element("code", "", String(text));
}

function hiddenText(text) {
  const shown = element("code", "secret", HIDDEN);
  const button = element("button", "link", "show");
  button.type = "button";
  button.addEventListener("click", () => {
    const open = shown.textContent === text;
    shown.textContent = open ? HIDDEN : text;
    button.textContent = open ? "show" : "hide";
  });
  return element("span", "", shown, " ", button);
}

function copyButton(text, what) {
  const button = element("button", "copy", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy ${what}`);
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text)) ? "Copied" : "Not allowed";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

/** Copies also where the page came over plain HTTP, where browsers offer no clipboard. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", "unseen");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
