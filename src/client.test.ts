import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newClientApp, typeErrorsOf } from "./testing/generated-client.ts";
import { newPerson, newTenant, stack } from "./testing/harness.ts";
import { invitationToken } from "./testing/mails.ts";

let app: Awaited<ReturnType<typeof newClientApp>>;
beforeAll(async () => {
  app = await newClientApp();
});
afterAll(() => app.remove());

test("an app written against the client generated from openapi.json compiles", () => {
  expect(typeErrorsOf(app.folder)).toBe("");
});

test("the app does over HTTP what the generated client promises", async () => {
  const { owner } = await newTenant();
  const { tellStory } = await import(join(app.folder, "story.ts"));
  const { email, ...person } = newPerson();
  const openInvitation = () => invitationToken(email);
  const guest = { email, token: await person.token(), openInvitation };
  await tellStory({ baseUrl: stack.apiUrl, owner: await owner.token(), guest });
});
