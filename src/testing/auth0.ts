import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Auth0Call, type Auth0Operation, failures, readCall } from "./auth0-contract.ts";
import { type Answer, connection, createAuth0Tenant, random } from "./auth0-tenant.ts";

export type Trouble = {
  readonly with: Auth0Operation;
  readonly delayMs?: number;
  /** In place of Auth0's answer: the connection breaks, nothing ever comes, or this does. */
  readonly reply?: "broken" | "silence" | Answer;
  /** Whether Auth0 does what it was asked for all the same. */
  readonly done?: boolean;
  /** How often; for ever without it. */
  readonly times?: number;
};

/** As the body of a reply: all that was sent, headers too. */
export const everythingSent = "everything sent";

/**
 * Auth0 by its published contract, on a free port. What leaves the contract is answered with 400 and
 * is a violation, and those must stay none.
 */
export async function startAuth0({ tokenSeconds = 86_400 } = {}) {
  const clientId = random("client-");
  const clientSecret = random("secret-");
  const { answer, passwords, ...tenant } = createAuth0Tenant();
  const tokens = new Map<string, { until: number }>();
  const calls: (Auth0Call & { readonly at: number })[] = [];
  const violations: string[] = [];
  const troubles: { trouble: Trouble; left: number }[] = [];
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function grant({ body }: Extract<Auth0Call, { operation: "getToken" }>): Answer {
    if (body.client_id !== clientId || body.client_secret !== clientSecret)
      return failures.wrongClient;
    if (body.audience !== `${url}/api/v2/`) {
      violations.push(`the audience is ${body.audience}`);
      return failures.noGrant;
    }
    const token = random("token-");
    tokens.set(token, { until: Date.now() + tokenSeconds * 1000 });
    const granted = { access_token: token, expires_in: tokenSeconds, token_type: "Bearer" };
    return { status: 200, body: granted };
  }

  function usual(call: Auth0Call, authorization: string | null): Answer {
    if (call.operation === "getToken") return grant(call);
    const token = tokens.get(authorization?.slice("Bearer ".length) ?? "");
    return token && token.until > Date.now() ? answer(call) : failures.invalidToken;
  }

  function takeTrouble(operation: Auth0Operation): Trouble | undefined {
    const found = troubles.find(({ trouble, left }) => trouble.with === operation && left > 0);
    if (found) found.left--;
    return found?.trouble;
  }

  /** Undefined where no answer comes, and the connection breaks. */
  async function suffer(trouble: Trouble, work: () => Answer): Promise<Answer | undefined> {
    const { delayMs = 0, reply, done = reply === undefined } = trouble;
    await new Promise((wake) => setTimeout(wake, delayMs));
    const worked = done ? work() : undefined;
    if (reply === "silence") return await new Promise(() => {});
    return reply === "broken" ? undefined : (reply ?? worked);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = new Headers(request.headers as Record<string, string>);
    const address = new URL(`${url}${request.url}`);
    const sent = await text(request);
    const read = readCall(request.method ?? "", address, headers, sent);
    if ("faults" in read) {
      violations.push(...read.faults);
      return send(response, { status: 400, body: { error: "outside the contract" } });
    }
    const { call } = read;
    calls.push({ ...call, at: Date.now() });
    const work = () => usual(call, headers.get("authorization"));
    const trouble = takeTrouble(call.operation);
    const given = trouble ? await suffer(trouble, work) : work();
    if (!given) request.socket.destroy();
    else if (given.body !== everythingSent) send(response, given);
    else send(response, { ...given, body: `${JSON.stringify([...headers])} ${sent}` });
  }

  return {
    ...tenant,
    url,
    clientId,
    clientSecret,
    calls,
    violations,
    /** Everything that must never be told. */
    secrets: () => [
      clientSecret,
      ...tokens.keys(),
      ...passwords,
      ...tenant.tickets.map((ticket) => ticket.url),
    ],
    /** To lay over the stack's. */
    settings: {
      AUTH0_MANAGEMENT_URL: url,
      AUTH0_MANAGEMENT_CLIENT_ID: clientId,
      AUTH0_MANAGEMENT_CLIENT_SECRET: clientSecret,
      AUTH0_CONNECTION: connection,
    },
    /** Every token given out so far is worth nothing from now on. */
    revokeTokens(): void {
      for (const token of tokens.values()) token.until = 0;
    },
    misbehave(...them: Trouble[]): void {
      for (const trouble of them)
        troubles.push({ trouble, left: trouble.times ?? Number.POSITIVE_INFINITY });
    },
    behave(): void {
      troubles.length = 0;
    },
    /** For the product in this process: sees what no server can. */
    fetch: (async (input, init) => {
      if (!init?.signal) violations.push("a call without a timeout");
      if (init?.redirect !== "manual") violations.push("a call that follows redirects");
      if (!String(input).startsWith(`${url}/`)) violations.push(`reached for ${String(input)}`);
      return await fetch(input, init);
    }) as typeof fetch,
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}
export type Auth0 = Awaited<ReturnType<typeof startAuth0>>;

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, {
    ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
    "x-ratelimit-limit": "50",
    "x-ratelimit-remaining": status === 429 ? "0" : "49",
    "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000)),
    ...headers,
  });
  response.end(typeof body === "string" ? body : body && JSON.stringify(body));
}
