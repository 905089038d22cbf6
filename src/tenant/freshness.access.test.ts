import { afterAll, beforeAll, expect, test } from "vitest";
import { permissions } from "../core/permissions.ts";
import { type Answer, codeOf } from "../testing/client.ts";
import { naming, newTenant, type Person, stack, type TestTenant } from "../testing/harness.ts";
import { issueKey, programWith } from "../testing/keys.ts";
import { newPlatformAdmin, takeGrant } from "../testing/operators.ts";
import { type DatabaseProxy, startProxy } from "../testing/proxy.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

let proxy: DatabaseProxy;
let workers: readonly RunningWorker[];

beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const settings = { ...stack.settings, ...proxy.settings, ROUTE_CACHE_SECONDS: "1" };
  const start = () => startWorker({ bundle: stack.bundle, settings });
  workers = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await proxy.stop();
});

type Caller = Pick<Person, "call">;
const everywhere = (caller: Caller, path = "/api/v1/users") =>
  Promise.all(workers.map(async ({ url }) => codeOf(await caller.call(`${url}${path}`))));
const twice = (answer: string) => [answer, answer];

/** Other people of the tenant keep both Workers busy, and all of them are served. */
async function underLoad({ owner }: TestTenant, work: () => Promise<void>) {
  let done = false;
  const busy = workers.flatMap(({ url }) =>
    Array.from({ length: 4 }, async () => {
      while (!done) expect((await owner.call(`${url}/api/v1/users`)).status).toBe(200);
    }),
  );
  await work().finally(() => {
    done = true;
  });
  await Promise.all(busy);
}

type Story = {
  /** Who acts, and may do so on both Workers. */
  readonly caller: Caller;
  /** What ends it, asked of the first Worker alone. */
  readonly end: (url: string) => Promise<Answer>;
};

const any = { "if-match": "*" };
const changed = (by: Caller, path: string, body: object) => (url: string) =>
  by.call(`${url}${path}`, { method: "PATCH", body, headers: any });

const stories: [string, string, (acme: TestTenant) => Promise<Story>][] = [
  [
    "a suspension",
    "403 user_suspended",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const body = { status: "suspended" };
      const user = `/api/v1/users/${member.userId}`;
      return {
        caller: member,
        end: (url) => acme.owner.call(`${url}${user}`, { method: "PATCH", body }),
      };
    },
  ],
  [
    "a lower role in the account",
    "403 forbidden",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const path = `/api/v1/accounts/${acme.accountId}/members/${member.userId}`;
      return { caller: member, end: changed(acme.owner, path, { role: "VIEWER" }) };
    },
  ],
  [
    "a lower role in the tenant",
    "403 forbidden",
    async (acme) => {
      const admin = await acme.member({ tenantRole: "admin", accountRole: "VIEWER" });
      const path = `/api/v1/tenant/members/${admin.userId}`;
      return { caller: admin, end: changed(acme.owner, path, { tenantRole: "member" }) };
    },
  ],
  [
    "a removal from the account",
    "403 account_forbidden",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const path = `/api/v1/accounts/${acme.accountId}/members/${member.userId}`;
      const call = { method: "DELETE", headers: any };
      return { caller: member, end: (url) => acme.owner.call(`${url}${path}`, call) };
    },
  ],
  [
    "an account's suspension",
    "403 account_forbidden",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const path = `/api/v1/accounts/${acme.accountId}`;
      return { caller: member, end: changed(acme.owner, path, { active: false }) };
    },
  ],
  [
    "a removal",
    "403 tenant_forbidden",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const user = `/api/v1/users/${member.userId}`;
      return {
        caller: member,
        end: (url) => acme.owner.call(`${url}${user}`, { method: "DELETE" }),
      };
    },
  ],
  [
    "a revoked key",
    "401 unauthenticated",
    async (acme) => {
      const { id, key } = await issueKey(acme.owner, { scopes: permissions });
      const path = `/api/v1/api-keys/${id}`;
      return {
        caller: programWith(key),
        end: (url) => acme.owner.call(`${url}${path}`, { method: "DELETE" }),
      };
    },
  ],
  [
    "a session that was ended",
    "401 session_revoked",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      return {
        caller: member,
        end: (url) => member.call(`${url}/api/v1/sessions/current`, { method: "DELETE" }),
      };
    },
  ],
  [
    "all sessions ended",
    "401 session_revoked",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const path = `/api/v1/users/${member.userId}/sessions`;
      return {
        caller: member,
        end: (url) => acme.owner.call(`${url}${path}`, { method: "DELETE" }),
      };
    },
  ],
  [
    "an ended grant",
    "403 tenant_forbidden",
    async (acme) => {
      const operator = await newPlatformAdmin();
      const { id } = await takeGrant(operator, acme.id);
      const path = `/api/v1/tenant/access-grants/${id}`;
      return {
        caller: naming(operator, { "x-tenant-id": acme.slug }),
        end: (url) => acme.owner.call(`${url}${path}`, { method: "DELETE" }),
      };
    },
  ],
  [
    "a key whose owner was suspended",
    "401 unauthenticated",
    async (acme) => {
      const member = await acme.member({ accountRole: "ADMIN" });
      const { key } = await issueKey(member, { scopes: permissions });
      const body = { status: "suspended" };
      const user = `/api/v1/users/${member.userId}`;
      return {
        caller: programWith(key),
        end: (url) => acme.owner.call(`${url}${user}`, { method: "PATCH", body }),
      };
    },
  ],
];

test.each(stories)(
  "%s holds on both Workers on the very next request, under load",
  async (_, refusal, tell) => {
    const acme = await newTenant();
    const { caller, end } = await tell(acme);
    await underLoad(acme, async () => {
      expect(await everywhere(caller)).toEqual(twice("200"));
      expect((await end(workers[0]?.url ?? "")).status).toBeLessThan(300);
      expect(await everywhere(caller)).toEqual(twice(refusal));
    });
    expect(await everywhere(acme.owner)).toEqual(twice("200"));
  },
);

test("with the registry down both Workers serve people and keys of tenants they know, and end them too", async () => {
  const acme = await newTenant();
  const member = await acme.member({ accountRole: "ADMIN" });
  const { id, key } = await issueKey(acme.owner, { scopes: permissions });
  const program = programWith(key);
  for (const caller of [acme.owner, member, program])
    expect(await everywhere(caller)).toEqual(twice("200"));
  const outage = proxy.disturb({
    of: ({ namespace }) => namespace === "registry",
    at: "request",
    by: "cut",
  });
  try {
    const [first = workers[0]] = workers;
    for (const end = Date.now() + 2500; Date.now() < end; )
      for (const caller of [acme.owner, member, program])
        expect(await everywhere(caller)).toEqual(twice("200"));
    expect(outage.struck, "the Workers asked the registry again").toBeGreaterThan(0);
    const revoke = await acme.owner.call(`${first?.url}/api/v1/api-keys/${id}`, {
      method: "DELETE",
    });
    expect(revoke.status).toBe(204);
    expect(await everywhere(program)).toEqual(twice("401 unauthenticated"));
    await member.call(`${first?.url}/api/v1/sessions/current`, { method: "DELETE" });
    expect(await everywhere(member)).toEqual(twice("401 session_revoked"));
    const operator = naming(await newPlatformAdmin(), { "x-tenant-id": acme.slug });
    expect(await everywhere(operator)).toEqual(twice("503 dependency_unavailable"));
  } finally {
    outage.lift();
  }
});
