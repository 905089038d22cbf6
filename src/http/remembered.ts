import { unavailable } from "../core/error.ts";

export type KeepAlive = (work: Promise<unknown>) => void;

type Source<T> = {
  /** What the identity provider calls it. */
  readonly title: string;
  readonly url: string;
  /** The age at which a request fetches it anew, in the background. */
  readonly softMs: number;
  readonly timeoutMs: number;
  readonly get: typeof fetch;
  /** Throws for what is not to be remembered. */
  readonly read: (text: string) => T;
};

export type Remembered<T> = {
  /** What is remembered, or the first look; throws 503 when it cannot be had. */
  current(keepAlive: KeepAlive): Promise<T>;
  /** A fresh look, or the one under way. */
  afresh(keepAlive: KeepAlive): Promise<T>;
  /** Whether the last look succeeded and none is under way. */
  isSettled(): boolean;
};

const hardMs = 24 * 3_600_000;
const backOffMs = 1000;
const graceMs = 250;
const pollMs = 10;
const maxBytes = 256 * 1024;

/**
 * A document of the identity provider's, remembered per isolate: refreshed in the background, served
 * for a day while the provider is down, and fetched by one request at a time. Waiting requests poll
 * plain data with timers of their own: on Workers a promise must not cross requests.
 */
export function rememberDocument<T>(source: Source<T>): Remembered<T> {
  const { title, softMs, timeoutMs } = source;
  let known: { readonly value: T; readonly at: number } | undefined;
  let loadingSince = 0;
  let failedAt = 0;

  const unreadable = (cause?: unknown) =>
    unavailable(`The identity provider's ${title} cannot be read`, cause);

  /** A leader that outlives its own timeout is gone, cancelled with its request. */
  const loading = () => loadingSince > 0 && Date.now() - loadingSince < timeoutMs + graceMs;

  async function load(): Promise<void> {
    loadingSince = Date.now();
    try {
      known = { value: await fetchDocument(source), at: Date.now() };
      failedAt = 0;
    } catch (error) {
      failedAt = Date.now();
      throw unreadable(error);
    } finally {
      loadingSince = 0;
    }
  }

  /** Leads a load, or waits for the one under way and takes its result. */
  async function loadOrWait(keepAlive: KeepAlive): Promise<void> {
    const before = known?.at;
    while (loading()) await new Promise((wake) => setTimeout(wake, pollMs));
    if (known && known.at !== before) return;
    if (Date.now() - failedAt < backOffMs) throw unreadable();
    const work = load();
    keepAlive(work);
    await work;
  }

  function valueOrThrow(): T {
    if (!known) throw unreadable();
    return known.value;
  }

  return {
    async current(keepAlive) {
      const now = Date.now();
      if (!known || now - known.at > hardMs) await loadOrWait(keepAlive);
      else if (now - known.at > softMs && !loading() && now - failedAt > backOffMs)
        keepAlive(load());
      return valueOrThrow();
    },
    async afresh(keepAlive) {
      await loadOrWait(keepAlive);
      return valueOrThrow();
    },
    isSettled: () => !loading() && failedAt === 0,
  };
}

async function fetchDocument<T>({ title, url, timeoutMs, get, read }: Source<T>): Promise<T> {
  const response = await get(url, {
    headers: { accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await boundedText(response, title);
  if (response.status !== 200) throw new Error(`${title} answered ${response.status}`);
  return read(text);
}

/** The body, or an error as soon as it grows beyond what such a document can be. */
async function boundedText(response: Response, title: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxBytes) throw new Error(`${title} is larger than ${maxBytes} bytes`);
  }
  return text;
}
