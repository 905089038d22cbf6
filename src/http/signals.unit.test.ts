import { expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { chooseSignal, signalsOf, type TenancySettings, tenantRequired } from "./signals.ts";

const settings: TenancySettings = {
  resolver: "composite",
  headerName: "X-Tenant-ID",
  baseDomain: "app.test",
};
const id = newId("tenant");
const nothing = { tenantClaim: null, url: "https://api.test/x", header: undefined };
const fromHost = (host: string, baseDomain: string | undefined = "app.test") =>
  signalsOf({ ...settings, baseDomain }, { ...nothing, url: `https://${host}/x` }).subdomain;

test("every place that names a tenant is heard", () => {
  expect(
    signalsOf(settings, { tenantClaim: "one", url: "https://two.app.test/", header: "three" }),
  ).toEqual({ jwt: "one", subdomain: "two", header: "three" });
  expect(signalsOf(settings, nothing)).toEqual({});
  expect(signalsOf(settings, { ...nothing, header: id })).toEqual({ header: id });
});

test.each([
  ["acme.app.test", "acme"],
  ["ACME.App.Test", "acme"],
  ["acme.app.test:8787", "acme"],
  ["acme.app.test.", "acme"],
])("the host %s names %s", (host, slug) => {
  expect(fromHost(host)).toBe(slug);
});

test.each([
  "app.test",
  "www.app.test",
  "api.app.test",
  "a.b.app.test",
  "acmeapp.test",
  "acme.app.test.evil.com",
  "acme.other.test",
  "xn--bcher-kva.app.test",
  "-acme.app.test",
  "a_b.app.test",
  "localhost",
  "127.0.0.1",
  "[::1]",
])("the host %s names no tenant", (host) => {
  expect(fromHost(host)).toBeUndefined();
});

test("without a base domain no host names a tenant", () => {
  const noBase = { ...settings, baseDomain: undefined };
  expect(signalsOf(noBase, { ...nothing, url: "https://acme.app.test/" })).toEqual({});
});

test.each([
  "",
  "ACME",
  "ac me",
  "acme;",
  "-acme",
  "xn--a",
  "a".repeat(64),
  `${id}x`,
  "usr_1",
  "acme, globex",
])("a header that says %j names neither an id nor a slug: 400", (header) => {
  expect(() => signalsOf(settings, { ...nothing, header })).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      errors: [
        { in: "header", path: "x-tenant-id", message: "must be the id or slug of a tenant" },
      ],
    }),
  );
});

test.each([
  ["composite", { jwt: "a", subdomain: "b", header: "c" }, "a", ["a", "b", "c"]],
  ["composite", { subdomain: "b", header: "c" }, "b", ["b", "c"]],
  ["composite", { header: "c" }, "c", ["c"]],
  ["composite", { jwt: "a", header: "a" }, "a", ["a"]],
  ["composite", {}, undefined, []],
  ["jwt", { jwt: "a", subdomain: "b", header: "c" }, "a", ["a", "b", "c"]],
  ["jwt", { subdomain: "b", header: "c" }, undefined, ["b", "c"]],
  ["subdomain", { jwt: "a", subdomain: "b", header: "c" }, "b", ["a", "b", "c"]],
  ["subdomain", { jwt: "a", header: "c" }, undefined, ["a", "c"]],
  ["header", { jwt: "a", subdomain: "b", header: "c" }, "c", ["a", "b", "c"]],
  ["header", { jwt: "a", subdomain: "b" }, undefined, ["a", "b"]],
] as const)(
  "%s, given %j, chooses %s, and forgets no other name",
  (resolver, signals, chosen, names) => {
    expect(chooseSignal({ ...settings, resolver }, signals)).toEqual({ chosen, names });
  },
);

test.each([
  ["jwt", "Name the tenant: use a token that carries the tenant claim"],
  ["subdomain", "Name the tenant: call the tenant's subdomain"],
  ["header", "Name the tenant: send X-Tenant-ID"],
  [
    "composite",
    "Name the tenant: send X-Tenant-ID, call the tenant's subdomain, or use a token with the tenant claim",
  ],
] as const)(
  "a caller who names no tenant is told how to, where the resolver is %s",
  (resolver, how) => {
    expect(tenantRequired({ ...settings, resolver })).toMatchObject({
      code: "tenant_required",
      status: 400,
      message: how,
    });
  },
);
