import { expect } from "vitest";
import { createClient, createConfig } from "./generated/client/index.ts";
import {
  acceptInvitation,
  addAccountMember,
  createAccount,
  createApiKey,
  createInvitation,
  createUser,
  getAccount,
  getInvitation,
  getLoginConfig,
  getMe,
  getUser,
  type Invitation,
  listAccountMembers,
  listMyTenants,
  listUsers,
  revokeApiKey,
  type User,
} from "./generated/index.ts";

/** Who plays, and where: all else the story finds out by itself, as an app does. */
export type Cast = {
  readonly baseUrl: string;
  /** An access token of somebody who owns one tenant. */
  readonly owner: string;
  /** Somebody who belongs nowhere yet, and what comes to them by mail. */
  readonly guest: {
    readonly email: string;
    readonly token: string;
    readonly openInvitation: () => Promise<string>;
  };
};

type As = (token: string, headers?: Record<string, string>) => ReturnType<typeof createClient>;

/** What an app does with the generated client: it must compile, and then it must be true. */
export async function tellStory({ baseUrl, owner, guest }: Cast): Promise<void> {
  const as: As = (token, headers = {}) =>
    createClient(createConfig({ baseUrl, auth: token, headers }));

  // The app learns where people log in.
  const anybody = createClient(createConfig({ baseUrl }));
  const { data: config } = await getLoginConfig({ client: anybody, throwOnError: true });
  expect(config.features.login).toBe(true);
  expect(config.endpoints.authorization).toContain(config.issuer);

  // Somebody did, and the app asks where they belong.
  const { data: mine } = await listMyTenants({ client: as(owner), throwOnError: true });
  expect(mine.meta.totalItems).toBe(1);
  const [tenant] = mine.data;
  expect(tenant?.role).toBe("owner");
  const inTenant = { [config.tenantHeader]: tenant?.slug ?? "" };
  const client = as(owner, inTenant);
  await tellOfGuest(as, client, guest, inTenant);

  // They enter a colleague by themselves.
  const body = { email: "ada@story.test", name: "Ada" };
  const made = await createUser({ client, body, throwOnError: true });
  expect(made.response.status).toBe(201);
  const ada: User = made.data;
  expect(ada).toMatchObject({ ...body, status: "pending" });
  const found = await getUser({ client, path: { id: ada.id }, throwOnError: true });
  expect(found.data).toEqual(ada);
  expect(found.response.headers.get("etag")).toBeTruthy();

  // What goes wrong is a problem, typed to its last code.
  const again = await createUser({ client, body });
  expect(again.data).toBeUndefined();
  expect(again.error?.code).toBe("email_taken");
  // @ts-expect-error No such code is in the catalogue.
  expect(again.error?.code === "email_forgotten").toBe(false);
  // @ts-expect-error There is no such role.
  const odd = await createUser({ client, body: { ...body, role: "KING" } });
  expect(odd.error).toMatchObject({ code: "invalid_request", status: 400 });
  expect(odd.error?.errors?.map((field) => `${field.in} ${field.path}`)).toEqual(["body role"]);
  const nobody = await listMyTenants({ client: as("nobody") });
  expect(nobody.error?.code).toBe("unauthenticated");
}

/** Invited, accepted, at work in an account by themselves and by a program, and the program out again. */
async function tellOfGuest(
  as: As,
  client: ReturnType<As>,
  { email, token, openInvitation }: Cast["guest"],
  inTenant: Record<string, string>,
): Promise<void> {
  const research = await createAccount({ client, body: { name: "Research" }, throwOnError: true });
  const accountId = research.data.id;
  const body = { email, accountId, role: "MANAGER" } as const;
  const invited = await createInvitation({ client, body, throwOnError: true });
  const invitation: Invitation = invited.data;
  expect(invitation).toMatchObject({ ...body, state: "pending" });

  // The guest opens the link in their mail, and signs in.
  const accepted = await acceptInvitation({
    client: as(token),
    body: { token: await openInvitation() },
    throwOnError: true,
  });
  expect(accepted.data).toMatchObject({ accountId, role: "MANAGER", tenantRole: "member" });
  const { userId } = accepted.data;
  const now = await getInvitation({ client, path: { id: invitation.id }, throwOnError: true });
  expect(now.data.state).toBe("accepted");

  // They work in the account, with the rights of their role there.
  const headers = { ...inTenant, "account-id": accountId };
  const guest = as(token, headers);
  const me = await getMe({ client: guest, throwOnError: true });
  expect(me.data.membership).toMatchObject({ userId, accountId, role: "MANAGER" });
  expect(me.data.membership?.permissions).toContain("MANAGE_TEAM_USERS");
  const path = { id: accountId };
  expect((await getAccount({ client: guest, path, throwOnError: true })).data.name).toBe(
    "Research",
  );
  const { data: people } = await listUsers({ client, throwOnError: true });
  const owner = people.data.find(({ tenantRole }) => tenantRole === "owner");
  const seat = { userId: owner?.id ?? "", role: "VIEWER" } as const;
  await addAccountMember({ client: guest, path, body: seat, throwOnError: true });
  const denied = await createInvitation({ client: guest, body });
  expect(denied.error?.code).toBe("forbidden");

  // A program does the same with a key, which names the tenant and the account by itself.
  const wanted = { name: "Nightly report", scopes: ["VIEW_ALL_USERS" as const] };
  const key = await createApiKey({ client: guest, body: wanted, throwOnError: true });
  expect(key.data.key).toMatch(/^tnt_live_/);
  const program = as(key.data.key);
  const seen = await listAccountMembers({ client: program, path, throwOnError: true });
  expect(seen.data.data.map((member) => [member.userId, member.role])).toEqual(
    expect.arrayContaining([
      [userId, "MANAGER"],
      [owner?.id, "VIEWER"],
    ]),
  );
  const more = await addAccountMember({ client: program, path, body: seat });
  expect(more.error?.code).toBe("forbidden");
  await revokeApiKey({ client: guest, path: { id: key.data.id }, throwOnError: true });
  const over = await listAccountMembers({ client: program, path });
  expect(over.error?.code).toBe("unauthenticated");
}
