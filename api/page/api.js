// Asking the API.

export class Problem extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `the server answered ${status}`);
    this.status = status;
  }
}

/** The JSON at a path below /api/v1. Goes to the sign-in form when the session has ended. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(`/api/v1${path}${query && `?${query}`}`, {
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(20000),
  });
  if (answer.status === 401) location.assign("/login");
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(answer.status, body);
  return body;
}

/**
 * Calls `work` soon after something changed: at once after a quiet time, otherwise once the
 * pause since the last call is over. Never two at a time, and a server that takes long is
 * asked less often. `now()` does not wait for the pause: a person is waiting.
 */
export function throttled(work, pauseMs) {
  let running = false;
  let wanted = false;
  let urgent = false;
  let timer = null;
  let last = -Infinity;
  let took = 0;

  async function run() {
    timer = null;
    running = true;
    wanted = false;
    urgent = false;
    const began = performance.now();
    try {
      await work();
    } catch (error) {
      console.warn("could not be refreshed:", error);
    }
    running = false;
    last = performance.now();
    took = last - began;
    if (wanted) plan();
  }

  function plan() {
    wanted = true;
    if (running || (timer !== null && !urgent)) return;
    clearTimeout(timer);
    const due = urgent ? 0 : last + Math.max(pauseMs, 4 * took) - performance.now();
    timer = setTimeout(run, Math.max(0, due));
  }

  plan.now = () => {
    urgent = true;
    plan();
  };
  return plan;
}
