import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { batch } from "../db/batch.ts";
import { tenantIdentity } from "../tenant/identity/identity.table.ts";
import type { Call } from "../testing/client.ts";
import { newPerson, newTenant } from "../testing/harness.ts";
import {
  type Mode,
  modes,
  type Named,
  outcome,
  type Resolvers,
  type Signals,
  type Source,
  seen,
  startResolvers,
} from "../testing/resolvers.ts";

let resolvers: Resolvers;
let ask: Resolvers["ask"];
let one: Named;
let two: Named;
beforeAll(async () => {
  resolvers = await startResolvers();
  ({ ask, one, two } = resolvers);
});
afterAll(() => resolvers.stop());

/** What each mode listens to; composite to all. */
const listensTo = {
  jwt: "claim",
  subdomain: "host",
  header: "header",
  composite: undefined,
} as const;

const subsets: Source[][] = [
  ["claim"],
  ["host"],
  ["header"],
  ["claim", "host"],
  ["claim", "header"],
  ["host", "header"],
  ["claim", "host", "header"],
];
const pairs = subsets.filter((sources) => sources.length > 1);

const forms = ["id", "slug"] as const;

/** A host can only hold a slug; the other two may say either. */
const naming = (sources: Source[], tenant: Named, form: keyof Named): Signals =>
  Object.fromEntries(
    sources.map((source) => [source, source === "host" ? tenant.slug : tenant[form]]),
  );

test.each(modes)(
  "mode %s: signals that agree open their tenant if the mode listens",
  async (mode) => {
    for (const sources of subsets)
      for (const form of forms) {
        const answer = await ask(mode, naming(sources, one, form));
        const source = listensTo[mode];
        const heard = source === undefined || sources.includes(source);
        const expected = heard ? `200 ${one.id}` : "400 tenant_required";
        expect([sources, outcome(answer)]).toEqual([sources, expected]);
      }
  },
);

test.each(modes)(
  "mode %s: signals that disagree open nothing, whichever they are",
  async (mode) => {
    const cases = pairs.flatMap((sources) => sources.map((odd) => ({ sources, odd })));
    for (const { sources, odd } of cases)
      for (const [form, oddForm] of forms.flatMap((a) => forms.map((b) => [a, b] as const))) {
        const rest = sources.filter((source) => source !== odd);
        const signals = { ...naming(rest, one, form), ...naming([odd], two, oddForm) };
        expect([sources, odd, outcome(await ask(mode, signals))]).toEqual([
          sources,
          odd,
          "403 tenant_mismatch",
        ]);
      }
  },
);

test.each(modes)("mode %s: a name of nobody contradicts one of somebody", async (mode) => {
  for (const sources of pairs)
    for (const odd of sources) {
      const signals = { ...naming(sources, one, "id"), [odd]: `t-${randomUUID().slice(0, 8)}` };
      expect(outcome(await ask(mode, signals))).toBe("403 tenant_mismatch");
    }
});

test.each([
  ["jwt", "use a token that carries the tenant claim"],
  ["subdomain", "call the tenant's subdomain"],
  ["header", "send X-Tenant-ID"],
  [
    "composite",
    "send X-Tenant-ID, call the tenant's subdomain, or use a token with the tenant claim",
  ],
] as const)("mode %s: who names no tenant is told how to", async (mode, how) => {
  const answer = await ask(mode, {});
  expect(outcome(answer)).toBe("400 tenant_required");
  expect(answer.body["detail"]).toBe(`Name the tenant: ${how}`);
});

const sourcesOf = (mode: Mode) =>
  subsets.filter(([source, more]) => !more && (listensTo[mode] ?? source) === source);
const attempts: (Call & { path?: string })[] = [
  {},
  { path: "/api/v1/auth/me" },
  { path: "/api/v1/users", method: "POST", body: { name: "" } },
  { path: "/api/v1/users", method: "POST", body: "{", headers: { "content-type": "text/plain" } },
  { path: "/api/v1/users?limit=x" },
  { path: "/api/v1/users", headers: { "account-id": newId("account") } },
];
test.each(modes)("mode %s: a tenant of others looks exactly like none", async (mode) => {
  const stranger = newPerson();
  const nobody = { id: newId("tenant"), slug: `t-${randomUUID().slice(0, 13)}` };
  for (const sources of sourcesOf(mode))
    for (const form of forms)
      for (const attempt of attempts) {
        const call = { ...attempt, person: stranger };
        const others = await ask(mode, naming(sources, one, form), call);
        const none = await ask(mode, naming(sources, nobody, form), call);
        expect(outcome(others)).toBe("403 tenant_forbidden");
        expect(seen(others)).toEqual(seen(none));
      }
});

test("only members learn that a tenant is suspended", async () => {
  const tenant = await newTenant();
  const member = await tenant.member();
  const guest = await tenant.member({ status: "suspended" });
  const { db } = tenant;
  await batch(db, "write", [db.update(tenantIdentity).set({ status: "suspended" })]);
  const signals = { header: tenant.slug };
  for (const person of [tenant.owner, member])
    expect(outcome(await ask("composite", signals, { person }))).toBe("403 tenant_suspended");
  expect(outcome(await ask("composite", signals, { person: guest }))).toBe("403 user_suspended");

  const person = newPerson();
  const outside = await ask("composite", signals, { person });
  const nowhere = await ask("composite", { header: `${tenant.slug}x` }, { person });
  expect(outcome(outside)).toBe("403 tenant_forbidden");
  expect(seen(outside)).toEqual(seen(nowhere));
});

test("who I am can be asked without a tenant, and says what I am in the one the mode hears", async () => {
  const path = "/api/v1/auth/me";
  const membershipIn = async (mode: Mode, signals: Signals) => {
    const { status, body } = await ask(mode, signals, { path });
    const { membership } = body as { membership?: { tenant: Named } | null };
    return status === 200 ? (membership?.tenant.id ?? null) : body["code"];
  };
  for (const mode of modes) {
    expect(await membershipIn(mode, {})).toBeNull();
    expect(await membershipIn(mode, naming(["claim", "host", "header"], one, "id"))).toBe(one.id);
    const torn = { ...naming(["claim", "header"], one, "id"), host: two.slug };
    expect(await membershipIn(mode, torn)).toBe("tenant_mismatch");
  }
  expect(await membershipIn("jwt", { header: one.id })).toBeNull();
});
