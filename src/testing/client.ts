import { Agent, request as send } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 200 });

export type Answer<T = Record<string, unknown>> = {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Parsed when it is JSON, else the text. */
  readonly body: T;
};
export type Call = {
  method?: string;
  headers?: Record<string, string | undefined>;
  /** Sent as JSON unless it is a string. */
  body?: unknown;
  /** Hangs up, like a person who closes the page. */
  signal?: AbortSignal | undefined;
};

/** An answer in a word or two: its status, and what it refuses for. */
export const codeOf = ({ status, body }: Answer): string =>
  status < 400 ? `${status}` : `${status} ${body["code"]}`;

type Look = (asked: { method: string; url: string }, answer: Answer<unknown>) => Promise<void>;
let look: Look = async () => {};

/** From now on every answer to anybody's request passes by `next`, which may throw. */
export const lookAtAnswers = (next: Look): void => {
  look = next;
};

/** One HTTP request. Unlike `fetch` it can name any host and never follows a redirect. */
export async function call<T = Record<string, unknown>>(
  url: string,
  options: Call = {},
): Promise<Answer<T>> {
  const answer = await ask<T>(url, options);
  await look({ method: options.method ?? "GET", url }, answer);
  return answer;
}

function ask<T>(
  url: string,
  { method = "GET", headers = {}, body, signal }: Call,
): Promise<Answer<T>> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const sent = Object.entries({
    ...(text === undefined
      ? {}
      : { "content-type": "application/json", "content-length": `${Buffer.byteLength(text)}` }),
    ...headers,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers: Object.fromEntries(sent), agent }, (response) => {
      let received = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        received += chunk;
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          body: parse(received, response.headers["content-type"]) as T,
        }),
      );
      response.on("error", reject);
    });
    request.on("error", reject);
    signal?.addEventListener("abort", () => {
      // A reset: of a mere end of the connection the server need not take note before it answers.
      request.socket?.resetAndDestroy();
      request.destroy();
      reject(signal.reason);
    });
    request.end(text);
  });
}

/** Lines of JSON are text, even if there is but one. */
function parse(text: string, type = ""): unknown {
  if (!/^application\/([\w.-]+\+)?json\b/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
