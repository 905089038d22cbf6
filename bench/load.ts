import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

export type Request = {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  /** `{n}` becomes a number no other request has. */
  readonly body?: string;
};
export type Load = {
  readonly url: string;
  /** Sent in turn. */
  readonly calls: readonly Request[];
  readonly connections: number;
  /** The answer that counts as success. */
  readonly status: number;
  /** Load before the measured time. */
  readonly settleMs: number;
  readonly measureMs: number;
};
export type Fired = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** All of them, also outside the measured time. */
  readonly answers: number;
  readonly failures: number;
  /** Processor time the generator itself took per request, in microseconds. */
  readonly generatorUs: number;
};

export function startGenerator() {
  const thread = new Worker(fileURLToPath(import.meta.resolve("./generator.ts")));
  return {
    async fire(load: Load): Promise<Fired> {
      thread.postMessage(load);
      const [fired] = (await once(thread, "message")) as [Fired | string];
      if (typeof fired === "string") throw new Error(`The load broke off: ${fired}`);
      return fired;
    },
    async stop() {
      await thread.terminate();
    },
  };
}
