import { unavailable } from "../core/error.ts";
import type { ObjectStore } from "./object-store.ts";

/** The part of a bucket's binding that is used. */
export type Bucket = Pick<R2Bucket, "put" | "get" | "head" | "list" | "delete">;

const answerMs = 30_000;

/** A bucket of Cloudflare R2. */
export function r2Store(bucket: Bucket): ObjectStore {
  async function* pages(prefix: string) {
    for (let cursor: string | undefined; ; ) {
      const page = await answered(bucket.list({ prefix, ...(cursor ? { cursor } : {}) }));
      yield page.objects.map(({ key }) => key);
      if (!page.truncated) return;
      cursor = page.cursor;
    }
  }
  return {
    async put(key, body) {
      await answered(bucket.put(key, body));
    },
    async get(key) {
      const found = await answered(bucket.get(key));
      return found ? new Uint8Array(await answered(found.arrayBuffer())) : undefined;
    },
    async getRange(key, offset, length) {
      const whole = await answered(bucket.head(key));
      if (!whole) return undefined;
      if (offset >= whole.size) return new Uint8Array();
      const found = await answered(bucket.get(key, { range: { offset, length } }));
      return found ? new Uint8Array(await answered(found.arrayBuffer())) : undefined;
    },
    async list(prefix) {
      const keys: string[] = [];
      for await (const page of pages(prefix)) keys.push(...page);
      return keys;
    },
    async deleteAll(prefix) {
      for await (const page of pages(prefix))
        if (page.length > 0) await answered(bucket.delete(page));
    },
  };
}

/** A binding knows no timeout of its own. */
async function answered<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The bucket takes too long")), answerMs);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw unavailable("The backup store does not answer", error);
  } finally {
    clearTimeout(timer);
  }
}
