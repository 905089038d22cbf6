import { expect, test } from "vitest";
import { isReservedSlug, slugPattern } from "./slug.ts";

test.each(["a", "7", "acme", "acme-inc", "a1-b2-c3", "0--0", "a".repeat(63)])(
  "%j is a DNS label and may be a slug",
  (slug) => {
    expect(slugPattern.test(slug)).toBe(true);
  },
);

test.each([
  "",
  "-acme",
  "acme-",
  "-",
  "Acme",
  "ac me",
  "ac.me",
  "ac_me",
  "acmé",
  "acme\n",
  "xn--bcher-kva",
  "a/b",
  "a:b",
  "а-cyrillic",
])("%j is no slug", (slug) => {
  expect(slugPattern.test(slug)).toBe(false);
});

test.each([
  "www",
  "api",
  "admin",
  "app",
  "auth",
  "mail",
  "docs",
  "localhost",
  "register",
  "tenantry",
])("%s is kept for the service itself", (slug) => {
  expect(isReservedSlug(slug)).toBe(true);
});

test("a name that only begins or ends like a reserved one is free", () => {
  expect(["acme", "api-team", "my-api", "wwww"].filter(isReservedSlug)).toEqual([]);
});
