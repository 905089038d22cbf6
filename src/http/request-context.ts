import type { Context } from "hono";
import type { MiddlewareHandler } from "hono/types";
import { z } from "zod";
import { uuidv7 } from "../core/id.ts";
import { callerName, type RequestContext } from "../core/request.ts";
import { clip } from "../core/text.ts";
import type { Budget } from "../db/connect.ts";
import type { Ports, PublicEnv } from "./context.ts";
import { levelOf, log } from "./log.ts";

/** Answers within five seconds, whatever hangs: this is when the last outgoing call gives up. */
const requestMs = 4000;
export type Limits = Pick<Budget, "timeoutMs" | "writers" | "fetch">;

/** For every answer that does not say otherwise: data is not to be kept, and is not a page. */
const defaults = [
  ["cache-control", "no-store"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
] as const;

const wellFormedId = /^[\w.:-]{8,128}$/;
const ipv4 = z.ipv4();
const isAddress = (text: string) =>
  ipv4.safeParse(text).success ||
  (/^[0-9a-f.:]{2,45}$/i.test(text) && URL.canParse(`http://[${text}]`));

/** Ids, caller's address, time and budget of the request; and its one line in the log. */
export const requestContext =
  (ports: Ports, limits: Limits): MiddlewareHandler<PublicEnv> =>
  async (c, next) => {
    const request = contextOf(c);
    c.set("ports", ports);
    c.set("request", request);
    c.set("budget", { ...limits, deadline: request.now + requestMs, spent: { trips: 0 } });
    await next();
    c.header("x-request-id", request.requestId);
    for (const [name, value] of defaults) if (!c.res.headers.has(name)) c.header(name, value);
    logRequest(c);
  };

function contextOf(c: Context<PublicEnv>): RequestContext {
  const asked = c.req.header("x-request-id");
  const ip = c.req.header("cf-connecting-ip");
  const agent = c.req.header("user-agent");
  return Object.freeze({
    requestId: asked && wellFormedId.test(asked) ? asked : uuidv7(),
    transactionId: uuidv7(),
    action: clip(`${c.req.method} ${c.req.path}`, 300),
    ip: ip && isAddress(ip) ? ip : null,
    userAgent: agent === undefined ? null : clip(agent.replaceAll(/\p{Cc}/gu, " "), 500),
    now: Date.now(),
    keepAlive: (work) => c.executionCtx.waitUntil(work.catch(() => undefined)),
  });
}

function logRequest(c: Context<PublicEnv>): void {
  const { request, budget, caller, scope, failure } = c.var;
  log(levelOf(c.res.status), "request", {
    requestId: request.requestId,
    transactionId: request.transactionId,
    method: c.req.method,
    path: c.req.path,
    status: c.res.status,
    ms: Date.now() - request.now,
    trips: budget.spent.trips,
    tenantId: scope?.tenant.id,
    caller: caller?.kind,
    subject: caller && (caller.kind === "key" ? callerName(caller) : caller.subject),
    ip: request.ip,
    userAgent: request.userAgent,
    ...failure,
  });
}
