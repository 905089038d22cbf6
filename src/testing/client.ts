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
};

/** One HTTP request. Unlike `fetch` it can name any host and never follows a redirect. */
export function call<T = Record<string, unknown>>(
  url: string,
  { method = "GET", headers = {}, body }: Call = {},
): Promise<Answer<T>> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const sent = Object.entries({
    ...(body === undefined ? {} : { "content-type": "application/json" }),
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
          body: parse(received) as T,
        }),
      );
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
