// The states of a printer: words, and the order in which the calm ones stand.

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


/** Where a printer without need of hands stands. */
export function calmOrder(printer) {
  return STATES[printer.state]?.order ?? STATES.unknown.order;
}
