// The states of a printer: words, and how urgently each asks for hands.

export const STATES = {
  error: { word: "Error", order: 0 },
  finished: { word: "Finished", order: 2 },
  offline: { word: "Offline", order: 3 },
  paused: { word: "Paused", order: 4 },
  printing: { word: "Printing", order: 5 },
  preparing: { word: "Preparing", order: 5 },
  unknown: { word: "Unknown", order: 6 },
  idle: { word: "Idle", order: 7 },
  maintenance: { word: "Maintenance", order: 8 },
};

const ALERT_ORDER = 1;
const LAST_FOR_HANDS = 4;

/** Where a printer stands in the order of urgency; an open alert lifts it. */
export function urgency(printer, alerted) {
  const order = STATES[printer.state]?.order ?? STATES.unknown.order;
  return alerted ? Math.min(order, ALERT_ORDER) : order;
}

export function needsHands(order) {
  return order <= LAST_FOR_HANDS;
}

/** What there is to do, where there is. */
export function task(printer, alerted) {
  switch (printer.state) {
    case "error":
      return "Look after the printer";
    case "finished":
      return "Clear the bed";
    case "offline":
      return "Check power and network";
    case "paused":
      return "Waiting to be resumed";
    default:
      return alerted ? "See the alert" : "";
  }
}
