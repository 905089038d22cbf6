import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { call } from "../testing/client.ts";
import { newTenant, stack, type TestTenant } from "../testing/harness.ts";
import type { Problem } from "./problem.ts";

const path = "/api/v1/users";
const limit = 64 * 1024;
const chunked = { "transfer-encoding": "chunked" };

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

async function post(body: string, headers: Record<string, string | undefined> = {}) {
  const answer = await acme.owner.call<Problem>(path, { method: "POST", body, headers });
  return [answer.status, answer.body.code];
}
/** A body that would be stored, of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const user = JSON.stringify({ email: `${randomUUID()}@body.test`, name: "Ada" });
  return user + " ".repeat(bytes - user.length);
}

test("a body may hold 64 KB and not one byte more, announced or in chunks", async () => {
  expect(await post(bodyOf(limit))).toEqual([201, undefined]);
  expect(await post(bodyOf(limit), chunked)).toEqual([201, undefined]);
  expect(await post(bodyOf(limit + 1))).toEqual([413, "payload_too_large"]);
  expect(await post(bodyOf(limit + 1), chunked)).toEqual([413, "payload_too_large"]);
  expect(await post(bodyOf(40 * limit), chunked)).toEqual([413, "payload_too_large"]);
  const found = await acme.owner.call<{ data: unknown[] }>(`${path}?search=body.test`);
  expect(found.body.data).toHaveLength(2);
});

test("for strangers no body is read: one that says it is too large is refused, any other ignored", async () => {
  const large = { method: "POST", body: bodyOf(limit + 1) };
  const nowhere = `${stack.apiUrl}/nowhere`;
  expect((await call(`${stack.apiUrl}${path}`, large)).status).toBe(413);
  expect((await call(nowhere, large)).status).toBe(413);
  expect((await call(`${stack.apiUrl}${path}`, { ...large, headers: chunked })).status).toBe(401);
  expect((await call(nowhere, { ...large, headers: chunked })).status).toBe(404);
});

test.each([
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=UTF-8",
  "Application/JSON",
])("a body is taken as %s", async (type) => {
  expect(await post(bodyOf(200), { "content-type": type })).toEqual([201, undefined]);
});

test.each([
  undefined,
  "",
  "text/plain",
  "text/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/jsonp",
  "application/json-seq",
  "application/xml; application/json",
])("a body is not taken as %s, whatever it holds", async (type) => {
  const headers = { "content-type": type };
  expect(await post(bodyOf(200), headers)).toEqual([415, "unsupported_media_type"]);
  expect(await post(bodyOf(200), { ...headers, ...chunked })).toEqual([
    415,
    "unsupported_media_type",
  ]);
});

test("who may not do it is told that, not what is wrong with their body", async () => {
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const attempts: [string, Record<string, string>][] = [
    ["{", {}],
    ["a=b", { "content-type": "text/plain" }],
    ["{}", {}],
  ];
  for (const [body, headers] of attempts) {
    const answer = await viewer.call<Problem>(path, { method: "POST", body, headers });
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
  }
});

test.each([
  ["an open brace", "{"],
  ["a trailing comma", '{"name":"Ada",}'],
  ["single quotes", "{'name':'Ada'}"],
  ["two objects", "{}{}"],
  ["NaN", "NaN"],
  ["plain text", "hello"],
  ["only blanks", "   "],
  ["a half escape", '{"name":"\\ud83'],
  ["a raw NUL", '{"name":"\u0000"}'],
])("a body that is not JSON, %s, is a bad request that says so", async (_, body) => {
  for (const headers of [{}, chunked]) {
    const answer = await acme.owner.call<Problem>(path, { method: "POST", body, headers });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([
      { in: "body", path: "", message: "is not well-formed JSON" },
    ]);
  }
});

test("without any body the answer is 400, and says what a body must hold", async () => {
  for (const headers of [{}, { "content-type": "application/json" }]) {
    const answer = await acme.owner.call<Problem>(path, { method: "POST", headers });
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
  }
});

test("JSON that is nested as deep as fits is refused like any other wrong body", async () => {
  const depth = limit / 2 - 100;
  const nested = `${"[".repeat(depth)}${"]".repeat(depth)}`;
  expect(await post(nested)).toEqual([400, "invalid_request"]);
  expect(await post(`{"email":"a@b.test","name":${nested}}`)).toEqual([400, "invalid_request"]);
});
