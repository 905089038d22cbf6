import { expect, test } from "vitest";
import { originMatcher } from "./cors.ts";

const match = originMatcher([
  "https://app.acme.test",
  "http://localhost:5173",
  "https://*.base.test",
]);

test.each([
  "https://app.acme.test",
  "http://localhost:5173",
  "https://acme.base.test",
  "https://a.b.base.test",
  "https://xn--bcher-kva.base.test",
])("%s is listed, and is echoed as it is", (origin) => {
  expect(match(origin)).toBe(origin);
});

test.each([
  "",
  "null",
  "*",
  "https://acme.test",
  "https://app.acme.test.evil.com",
  "https://app.acme.test:8443",
  "https://app.acme.test/",
  "https://APP.acme.test",
  "https://appXacme.test",
  "http://app.acme.test",
  "https://x.app.acme.test",
  "http://localhost",
  "http://localhost:51730",
  "https://base.test",
  "https://.base.test",
  "https://evilbase.test",
  "https://a.base.test.evil.com",
  "https://evil.com/.base.test",
  "https://evil.com#.base.test",
  "https://evil.com?.base.test",
  "https://user@evil.com:443.base.test",
  "https://a.baseXtest",
  "https://a..base.test",
  "http://a.base.test",
  "https://a.base.test:8443",
  "https://a.base.test\n",
  "https://a.base.test,https://b.base.test",
  "chrome-extension://a.base.test",
])("%j only looks like a listed origin", (origin) => {
  expect(match(origin)).toBeNull();
});

test("nothing listed lets nobody in", () => {
  const none = originMatcher([]);
  expect(["https://app.acme.test", "null", ""].map(none)).toEqual([null, null, null]);
});

test("* lets everybody in who names an origin", () => {
  const all = originMatcher(["*"]);
  expect(all("https://anything.test")).toBe("https://anything.test");
});
