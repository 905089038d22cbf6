import { randomUUID } from "node:crypto";
import type { Answer, Call } from "./client.ts";
import { newPerson, type Person, stack } from "./harness.ts";
import { type RunningWorker, startWorker } from "./worker.ts";

/** The three places that can name a tenant. `host` is the label before the base domain. */
export type Source = "claim" | "host" | "header";
export type Signals = { [source in Source]?: unknown };
export type Named = { readonly id: string; readonly slug: string };

export const modes = ["jwt", "subdomain", "header", "composite"] as const;
export type Mode = (typeof modes)[number];

type Ask = Call & { person?: Person; path?: string };
export type Resolvers = {
  /** An owner of both tenants: what is refused to them is not refused for want of a right. */
  readonly dual: Person;
  readonly one: Named;
  readonly two: Named;
  /** A request to the Worker in that mode, as `dual` to the tenant's own page unless it says otherwise. */
  ask(mode: Mode, signals: Signals, options?: Ask): Promise<Answer>;
  stop(): Promise<unknown>;
};

/** A Worker for each way to choose the tenant, and two tenants to choose from. */
export async function startResolvers(): Promise<Resolvers> {
  const dual = newPerson();
  const start = async (mode: Mode): Promise<[Mode, RunningWorker]> => {
    const settings = { ...stack.settings, DEFAULT_TENANT_RESOLVER: mode };
    return [mode, await startWorker({ bundle: stack.bundle, settings })];
  };
  const started = new Map(await Promise.all(modes.map(start)));
  const [one, two] = await Promise.all([register(dual), register(dual)]);
  return {
    dual,
    one,
    two,
    async ask(
      mode,
      { claim, host, header },
      { person = dual, path = "/api/v1/tenant", ...call } = {},
    ) {
      const claims = claim === undefined ? {} : { "https://tenantry.dev/tenant_id": claim };
      const headers = {
        authorization: `Bearer ${await person.token(claims)}`,
        host: host === undefined ? undefined : `${host}.localhost`,
        "x-tenant-id": header as string | undefined,
        ...call.headers,
      };
      return person.call(`${started.get(mode)?.url}${path}`, { ...call, headers });
    },
    stop: () => Promise.all([...started.values()].map((worker) => worker.stop())),
  };
}

async function register(person: Person): Promise<Named> {
  const slug = `t-${randomUUID().slice(0, 13)}`;
  const body = { name: "Tenancy", slug };
  const answer = await person.call<Named>("/api/v1/tenants/register", { method: "POST", body });
  if (answer.status !== 201) throw new Error(`registration: ${answer.status}`);
  return answer.body;
}

/** `status code`, or `200 id` for the tenant that was opened. */
export const outcome = ({ status, body }: Answer) =>
  `${status} ${status === 200 ? body["id"] : body["code"]}`;

/** All a caller can see of an answer, but for what differs between any two. */
export function seen({ status, headers, body }: Answer) {
  const { "x-request-id": _, date: __, ...rest } = headers;
  return { status, headers: rest, body: { ...body, requestId: "" } };
}
