import { type ApiError, unavailable } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";

/** A platform's API, and what opens it. */
export type Door = {
  readonly url: string;
  readonly scheme: "Basic" | "Bearer";
  readonly key: Secret;
  readonly fetch: typeof fetch;
};

export type Question = {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
};

export type Reply = {
  /** 0 when nothing came back, and `text` then says why. */
  readonly status: number;
  /** Never holds the key, whatever the server echoes. */
  readonly text: string;
  /** What the platform asks for, where it does. */
  readonly retryAfterSeconds?: number | undefined;
};

/** One request, over by `deadline`, to this address and no other. Judging the reply is the caller's. */
export async function ask(door: Door, question: Question, deadline: number): Promise<Reply> {
  const { method, path, body } = question;
  const { fetch: get } = door;
  const withoutKey = (text: string) => text.replaceAll(door.key.reveal(), "[redacted]");
  try {
    const response = await get(`${door.url.replace(/\/$/, "")}${path}`, {
      method,
      headers: {
        authorization: `${door.scheme} ${door.key.reveal()}`,
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: "manual",
      signal: AbortSignal.timeout(Math.max(deadline - Date.now(), 1)),
    });
    const wait = /^\d{1,5}$/.exec(response.headers.get("retry-after") ?? "");
    return {
      status: response.status,
      text: withoutKey(await response.text()),
      retryAfterSeconds: wait ? Number(wait[0]) : undefined,
    };
  } catch (error) {
    return { status: 0, text: withoutKey(tellCauses(error)) };
  }
}

/** A refused header is quoted in full by some runtimes, so errors pass as text that can be redacted. */
function tellCauses(error: unknown): string {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error && lines.length < 4; cause = cause.cause)
    lines.push(`${cause.name}: ${cause.message}`);
  return lines.join(", because ");
}

/** The platform's own trouble, which may pass: no answer, too many requests, a failing server. */
export const isPassing = ({ status }: Reply) => status === 0 || status === 429 || status >= 500;

/** What the log keeps of a reply nobody can use. */
export const causeOf = ({ status, text }: Reply) => ({ status, error: text.slice(0, 500) });

/** 503 in our own words; the platform's are for the log. */
export function asUnavailable(reply: Reply): ApiError {
  const { status, retryAfterSeconds } = reply;
  const does =
    status === 0 ? "does not answer" : isPassing(reply) ? "is overloaded or failing" : "refuses";
  return unavailable(`The database platform ${does}`, causeOf(reply), retryAfterSeconds);
}
