import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "./core/id.ts";
import { createSigners } from "./core/mac.ts";
import { systemRequest } from "./core/request.ts";
import { batch } from "./db/batch.ts";
import { invitations } from "./tenant/invitations/invitations.table.ts";
import { tokenOf } from "./tenant/invitations/issue.ts";
import { newPerson, newTenant, stack, type TestTenant } from "./testing/harness.ts";
import { accept } from "./testing/invitations.ts";
import { invitationToken, mailsTo } from "./testing/mails.ts";
import { type OwnSqld, startOwnSqld } from "./testing/own-sqld.ts";

import { outboxOf } from "./testing/stack.ts";
import { type RunningWorker, startWorker } from "./testing/worker.ts";

// A server of its own: the job visits whoever is in the registry.
let sqld: OwnSqld;
let worker: RunningWorker;
let acme: TestTenant;
const newRing = `k2:${"B".repeat(43)}`;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  // The key was changed since the invitations below were made.
  const SECRET_KEY = `${newRing},${sqld.variables["SECRET_KEY"]}`;
  const settings = { ...sqld.variables, SECRET_KEY };
  worker = await startWorker({ bundle: stack.bundle, settings, outbox: outboxOf(stack.dataDir) });
  acme = await newTenant(worker.url, sqld.settings);
});
afterAll(async () => {
  await worker.stop();
  await sqld.stop();
});

const minuteMs = 60_000;

/** An invitation whose mail did not leave when it was made. */
async function placeUnsent(
  made: { minutesAgo: number } & Partial<typeof invitations.$inferInsert>,
): Promise<{ person: ReturnType<typeof newPerson>; id: string }> {
  const { minutesAgo, ...row } = made;
  const { id: tenantId, db, owner } = acme;
  const id = newId("invitation");
  const issuedAt = Date.now() - minutesAgo * minuteMs;
  const person = newPerson(worker.url);
  const issuer = {
    tenant: { id: tenantId },
    signers: createSigners(sqld.settings.SECRET_KEY),
    db,
    request: systemRequest("test"),
    post: async () => false,
  };
  const { hash: tokenHash } = await tokenOf(issuer, id, issuedAt);
  await batch(db, "write", [
    db.insert(invitations).values({
      id,
      email: person.email,
      tenantRole: "member",
      inviterId: owner.userId,
      tokenHash,
      issuedAt,
      state: "pending",
      expiresAt: Date.now() + 60 * minuteMs,
      createdAt: issuedAt,
      updatedAt: issuedAt,
      ...row,
    }),
  ]);
  return { person, id };
}

/** How many mails went, as the job itself counts them. */
async function mailsAtCallOfTheClock(): Promise<unknown> {
  const from = worker.lines.length;
  await worker.scheduled();
  const visit = () => worker.lines.slice(from).find(({ job }) => job === "look_after_tenants");
  await expect.poll(visit).toBeDefined();
  return visit()?.["mails"];
}

test("a mail that did not leave is sent once, its link good although the key was changed since", async () => {
  const { person, id } = await placeUnsent({ minutesAgo: 5 });
  expect(await mailsAtCallOfTheClock()).toBe(1);
  const [row] = await acme.db.select().from(invitations).where(eq(invitations.id, id));
  expect(row?.sentAt).toBeGreaterThan(Date.now() - minuteMs);
  expect(await mailsAtCallOfTheClock()).toBe(0);

  const accepted = await accept(person, await invitationToken(person.email));
  expect([accepted.status, accepted.body["code"]]).toEqual([200, undefined]);
  expect(mailsTo(person.email)).toHaveLength(1);
});

test("what a request is still at, was ended, is over or could not go for a day is left alone", async () => {
  const people = [
    await placeUnsent({ minutesAgo: 0 }),
    await placeUnsent({ minutesAgo: 5, state: "revoked" }),
    await placeUnsent({ minutesAgo: 5, expiresAt: Date.now() - 1 }),
    await placeUnsent({ minutesAgo: 25 * 60 }),
    await placeUnsent({ minutesAgo: 5, tokenHash: "of a key that is gone" }),
  ];
  expect(await mailsAtCallOfTheClock()).toBe(0);
  for (const { person } of people) expect(mailsTo(person.email)).toEqual([]);
});
