type Fault =
  /** The process dies before this call goes out. */
  | "dies before"
  /** The server does what this call asks, and the process dies before it learns so. */
  | "dies after"
  /** The answer to this call is lost; the process goes on. */
  | "loses the answer"
  /** This call goes out late: when `resume` is called. */
  | "stalls before"
  /** The answer to this call arrives late. */
  | "stalls after";

export type FaultyFetch = {
  readonly fetch: typeof fetch;
  /** Method and address of every call so far. */
  readonly calls: readonly string[];
  /** Resolves when the fault happens. */
  readonly struck: Promise<void>;
  resume(): void;
};

/** A network that fails at the `at`-th call, counted from 1; never without a fault. */
export function faultyFetch(at = 0, fault: Fault = "dies before"): FaultyFetch {
  const calls: string[] = [];
  const struck = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  let dead = false;
  const fail = () => {
    struck.resolve();
    dead = fault.startsWith("dies");
    throw new TypeError("fetch failed");
  };
  const stall = async () => {
    struck.resolve();
    await resumed.promise;
  };
  const faulty: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    calls.push(`${request.method} ${request.url}`);
    const hit = calls.length === at;
    if (dead || (hit && fault === "dies before")) fail();
    if (hit && fault === "stalls before") await stall();
    const response = await fetch(request, { signal: AbortSignal.timeout(10_000) });
    if (!hit || fault === "stalls before") return response;
    const body = await response.arrayBuffer();
    if (fault !== "stalls after") fail();
    await stall();
    return new Response(body, response);
  };
  return { fetch: faulty, calls, struck: struck.promise, resume: resumed.resolve };
}
