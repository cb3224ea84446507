// The live stream: keeps it open, notices when it falls silent, and starts it again.

const SILENT_MS = 12000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const EVENTS = ["snapshot", "feed", "printers", "gone", "alerts", "attention", "tick"];

export class Stream {
  /** `on` has a function for each event and `status(kind)` for live, connecting and lost. */
  constructor(on) {
    this.on = on;
    this.source = null;
    this.lastId = null;
    this.pause = FIRST_PAUSE_MS;
    this.heardAt = performance.now();
    this.timer = null;
    setInterval(() => this.watch(), 1000);
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.watch();
    });
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.source?.close();
    const query = this.lastId === null ? "" : `?after=${this.lastId}`;
    const source = new EventSource(`/api/v1/stream${query}`);
    this.source = source;
    this.heardAt = performance.now();
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (this.source !== source) return;
        this.heard(event);
        this.on[name](JSON.parse(event.data));
      });
    }
    source.onerror = () => {
      if (this.source === source) this.lost();
    };
  }

  heard(event) {
    this.heardAt = performance.now();
    this.pause = FIRST_PAUSE_MS;
    if (event.lastEventId) this.lastId = event.lastEventId;
    this.on.status("live");
  }

  lost() {
    this.source?.close();
    this.source = null;
    this.on.status("lost");
    if (this.timer !== null) return;
    // A little chance keeps many pages from all coming back in the same instant.
    this.timer = setTimeout(() => this.open(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
  }

  retry() {
    this.pause = FIRST_PAUSE_MS;
    if (this.source === null) this.open();
  }

  watch() {
    if (this.source !== null && performance.now() - this.heardAt > SILENT_MS) this.lost();
  }
}
