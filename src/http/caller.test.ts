import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newTenant, stack, type TestTenant } from "../testing/harness.ts";
import { auditOf } from "../testing/rows.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

let worker: RunningWorker;
let acme: TestTenant;
beforeAll(async () => {
  worker = await startWorker({ bundle: stack.bundle, settings: stack.settings });
  acme = await newTenant(worker.url);
});
afterAll(() => worker.stop());

/** What one write leaves behind of its caller: in the tenant's audit trail and in our log. */
const create = async (headers: Record<string, string>) => {
  const answer = await acme.owner.call("/api/v1/users", {
    method: "POST",
    body: { email: `${randomUUID()}@log.test`, name: "Ada" },
    headers,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const requestId = answer.headers["x-request-id"] ?? "";
  const [row] = await auditOf(acme.owner, { requestId, entity: "users" });
  const line = await vi.waitFor(() => {
    const found = worker.lines.find((candidate) => candidate["requestId"] === requestId);
    expect(found).toBeDefined();
    return found;
  });
  return { row, line };
};

test.each(["203.0.113.7", "2001:db8::7", "::ffff:203.0.113.7", "::1"])(
  "the caller's address is stored as Cloudflare gives it: %s",
  async (ip) => {
    const { row, line } = await create({ "cf-connecting-ip": ip });
    expect([row?.ip, line?.["ip"]]).toEqual([ip, ip]);
  },
);

test.each([
  "garbage",
  "deadbeef",
  "999.1.1.1",
  "1.2.3.4.5",
  "203.0.113.7, 10.0.0.1",
  "203.0.113.7:443",
  ":::",
  "<script>",
  "1".repeat(400),
])("an address that is none is not stored: %s", async (ip) => {
  const { row, line } = await create({ "cf-connecting-ip": ip });
  expect([row?.ip, line?.["ip"]]).toEqual([null, null]);
});

test.each([
  ["a very long agent", "a".repeat(4000), "a".repeat(500)],
  ["an agent with a tab", "suite\t1.0", "suite 1.0"],
  ["an agent with a C1 control", "suite\u009b1.0", expect.not.stringMatching(/\p{Cc}/u) as string],
  [
    "an agent with emoji",
    Buffer.from(`${"a".repeat(499)}😀`).toString("latin1"),
    expect.stringMatching(/^a{499}/) as string,
  ],
])("%s is stored harmless", async (_, agent, stored) => {
  const { row, line } = await create({ "user-agent": agent });
  expect(row?.userAgent).toEqual(stored);
  expect(row?.userAgent?.length).toBeLessThanOrEqual(500);
  expect(row?.userAgent?.isWellFormed()).toBe(true);
  expect(line?.["userAgent"]).toBe(row?.userAgent);
});

test("without an agent and an address both are stored as unknown", async () => {
  const { row } = await create({});
  expect(row?.userAgent).toBeNull();
});
