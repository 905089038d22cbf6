import { expect } from "vitest";
import { createClient, createConfig } from "./generated/client/index.ts";
import {
  createUser,
  getLoginConfig,
  getUser,
  listMyTenants,
  type User,
} from "./generated/index.ts";

/** Who plays, and where: all else the story finds out by itself, as an app does. */
export type Cast = {
  readonly baseUrl: string;
  /** An access token of somebody who owns one tenant. */
  readonly owner: string;
};

/** What an app does with the generated client: it must compile, and then it must be true. */
export async function tellStory({ baseUrl, owner }: Cast): Promise<void> {
  const as = (token: string, headers: Record<string, string> = {}) =>
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
  const client = as(owner, { [config.tenantHeader]: tenant?.slug ?? "" });

  // They bring a colleague.
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
