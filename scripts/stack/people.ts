import type { AccountRole, TenantRole } from "../../src/core/roles.ts";

export type Seat = { slug: string; tenantRole: TenantRole; accountRole?: AccountRole };
export type Person = { email: string; name: string; platformAdmin?: boolean; tenants: Seat[] };

export const demoTenants = [
  { slug: "acme", name: "Acme" },
  { slug: "globex", name: "Globex" },
];

const owner = (slug: string): Seat => ({ slug, tenantRole: "owner", accountRole: "ADMIN" });
const admin = (slug: string): Seat => ({ slug, tenantRole: "admin", accountRole: "ADMIN" });
const member = (slug: string, accountRole: AccountRole): Seat => ({
  slug,
  tenantRole: "member",
  accountRole,
});

/** Who can sign in to the local stack, and what each may do there. */
export const people: Person[] = [
  { email: "owner@acme.test", name: "Olivia Owner", tenants: [owner("acme")] },
  { email: "admin@acme.test", name: "Adam Admin", tenants: [admin("acme")] },
  { email: "manager@acme.test", name: "Mona Manager", tenants: [member("acme", "MANAGER")] },
  { email: "editor@acme.test", name: "Edgar Editor", tenants: [member("acme", "EDITOR")] },
  { email: "author@acme.test", name: "Aisha Author", tenants: [member("acme", "AUTHOR")] },
  { email: "viewer@acme.test", name: "Victor Viewer", tenants: [member("acme", "VIEWER")] },
  { email: "billing@acme.test", name: "Bianca Billing", tenants: [member("acme", "BILLING")] },
  { email: "analytics@acme.test", name: "Anton Analytics", tenants: [member("acme", "ANALYTICS")] },
  { email: "owner@globex.test", name: "Oscar Owner", tenants: [owner("globex")] },
  { email: "viewer@globex.test", name: "Vera Viewer", tenants: [member("globex", "VIEWER")] },
  {
    email: "dual@example.test",
    name: "Dana Dual",
    tenants: [member("acme", "VIEWER"), member("globex", "VIEWER")],
  },
  { email: "outsider@example.test", name: "Otto Outsider", tenants: [] },
  { email: "root@platform.test", name: "Rita Root", platformAdmin: true, tenants: [] },
];

/** In words, for people to read. */
export function rightsOf({ platformAdmin, tenants }: Person): string {
  const seats = tenants.map(({ slug, tenantRole, accountRole = "" }) =>
    `${tenantRole} of ${slug} ${accountRole}`.trim(),
  );
  return [...(platformAdmin ? ["platform admin"] : []), ...seats].join(", ") || "no tenant";
}

/** The subject the local identity provider puts into the tokens of a person. */
export const subjectOf = (email: string): string => `dev|${email.toLowerCase()}`;
const addressOf = (subject: string): string =>
  subject
    .replace(/^dev\|/, "")
    .trim()
    .toLowerCase();

/** A seeded person, or a fresh one: everybody with a well formed address has an identity here. */
export function personOf(known: Person[], subject: string): Person | undefined {
  const email = addressOf(subject);
  if (!/^[^\s@|]{1,64}@[a-z0-9.-]{1,190}$/.test(email)) return undefined;
  const seeded = known.find((person) => person.email === email);
  return seeded ?? { email, name: email.slice(0, email.indexOf("@")), tenants: [] };
}
