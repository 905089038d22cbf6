import type { Answer } from "./client.ts";

/** An answer as a client judges it that may have to come back later. */
export async function judged(work: Promise<Answer>) {
  const start = Date.now();
  const { status, body, headers } = await work;
  const inTime = Date.now() - start < 5000;
  return { status, code: body?.["code"], inTime, comeBack: Number(headers["retry-after"]) > 0 };
}

/** What everybody gets, in time, while something we depend on is down. */
export const unavailable = {
  status: 503,
  code: "dependency_unavailable",
  inTime: true,
  comeBack: true,
};
