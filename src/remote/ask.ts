import type { z } from "zod";
import { ApiError, unavailable } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";

/** An API of somebody else, and what opens it. */
export type Door = {
  /** What our own words call whoever is behind it. */
  readonly name: string;
  readonly url: string;
  readonly fetch: typeof fetch;
  /** Goes into the Authorization header; without it there is none. */
  readonly key?: { readonly scheme: "Basic" | "Bearer"; readonly secret: Secret };
};

export type Question = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** What the body holds and no failure may tell. */
  readonly secrets?: readonly Secret[];
};

export type Reply = {
  /** 0 when nothing came back, and `text` then says why. */
  readonly status: number;
  /** Never holds what opened the door or a secret of the question, whatever the server echoes. */
  readonly text: string;
  /** What the server asks for, where it does. */
  readonly retryAfterSeconds?: number | undefined;
};

const firstPauseMs = 100;
const longestPauseMs = 2000;

/** One request, over by `deadline`, to this address and no other. Judging the reply is the caller's. */
export async function ask(door: Door, question: Question, deadline: number): Promise<Reply> {
  const { method, path, body, secrets = [] } = question;
  const { fetch: get, key } = door;
  const redact = without(key ? [key.secret, ...secrets] : secrets);
  try {
    const response = await get(`${door.url.replace(/\/$/, "")}${path}`, {
      method,
      headers: {
        ...(key ? { authorization: `${key.scheme} ${key.secret.reveal()}` } : {}),
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: "manual",
      signal: AbortSignal.timeout(Math.max(deadline - Date.now(), 1)),
    });
    return {
      status: response.status,
      text: redact(await response.text()),
      retryAfterSeconds: waitOf(response),
    };
  } catch (error) {
    return { status: 0, text: redact(tellCauses(error)) };
  }
}

/** Repeats what failed on their side while there is time: whatever is asked so may happen twice. */
export async function askPatiently(
  door: Door,
  question: Question,
  deadline: number,
): Promise<Reply> {
  for (let pause = firstPauseMs; ; pause *= 2) {
    const reply = await ask(door, question, deadline);
    const { retryAfterSeconds } = reply;
    const wait = retryAfterSeconds ? retryAfterSeconds * 1000 : pause * (0.5 + Math.random() / 2);
    const late = wait > longestPauseMs || Date.now() + wait >= deadline;
    if (late || !isPassing(reply)) return reply;
    await new Promise((wake) => setTimeout(wake, wait));
  }
}

/** Servers quote what they were sent as it was, as JSON or as part of an address. */
function without(secrets: readonly Secret[]): (text: string) => string {
  const spellings = secrets
    .map((secret) => secret.reveal())
    .flatMap((plain) => [plain, JSON.stringify(plain).slice(1, -1), encodeURIComponent(plain)]);
  return (text) => spellings.reduce((left, one) => left.replaceAll(one, "[redacted]"), text);
}

/** Said in seconds, or as the moment at which a limit starts afresh. */
function waitOf({ status, headers }: Response): number | undefined {
  const wait = /^\d{1,5}$/.exec(headers.get("retry-after") ?? "");
  if (wait) return Number(wait[0]);
  const reset = /^\d{1,11}$/.exec(headers.get("x-ratelimit-reset") ?? "");
  if (status !== 429 || !reset) return undefined;
  const left = Math.ceil(Number(reset[0]) - Date.now() / 1000);
  return left > 0 && left <= 99_999 ? left : undefined;
}

/** A refused header is quoted in full by some runtimes, so errors pass as text that can be redacted. */
function tellCauses(error: unknown): string {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error && lines.length < 4; cause = cause.cause)
    lines.push(`${cause.name}: ${cause.message}`);
  return lines.join(", because ");
}

/** Their own trouble, which may pass: no answer, too many requests, a failing server. */
const isPassing = ({ status }: Reply) => status === 0 || status === 429 || status >= 500;

/** What the log keeps of a reply nobody can use. Not of a success: what it grants is a secret. */
export const causeOf = ({ status, text }: Reply) => ({
  status,
  error: status >= 200 && status < 300 ? "[not told]" : text.slice(0, 500),
});

/** 503 in our own words; the server's are for the log. */
export function asUnavailable({ name }: Pick<Door, "name">, reply: Reply): ApiError {
  const { status, retryAfterSeconds } = reply;
  const does =
    status === 0 ? "does not answer" : isPassing(reply) ? "is overloaded or failing" : "refuses";
  return unavailable(`${name} ${does}`, causeOf(reply), retryAfterSeconds);
}

/** A refusal no repetition mends: whoever runs the service must see which setting it is about. */
export type Misconfiguration = {
  readonly status: number;
  readonly text?: RegExp;
  readonly detail: string;
};

export function asFailure(
  door: Pick<Door, "name">,
  reply: Reply,
  misconfigurations: readonly Misconfiguration[],
): ApiError {
  const known = misconfigurations.find(
    ({ status, text }) => status === reply.status && (text?.test(reply.text) ?? true),
  );
  if (!known) return asUnavailable(door, reply);
  return new ApiError("config_invalid", known.detail, { cause: causeOf(reply) });
}

/** The reply's text stays out of the failure: it may hold a token. */
export function parseReply<T>(
  { name }: Pick<Door, "name">,
  schema: z.ZodType<T>,
  { status, text }: Reply,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const paths = result.error.issues.map((issue) => issue.path.join("."));
  throw unavailable(`${name} answers something unexpected`, { status, paths });
}
