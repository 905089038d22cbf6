import { randomBytes } from "node:crypto";
import { type Auth0Call, type Auth0Operation, failures, isStrong } from "./auth0-contract.ts";

export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};
type Identity = {
  readonly provider: string;
  readonly user_id: string;
  readonly connection: string;
};
type User = {
  readonly user_id: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly name: string;
  blocked: boolean;
  readonly identities: Identity[];
  readonly app_metadata: Record<string, unknown>;
  /** Absent until they have signed in, as Auth0 has it. */
  logins_count?: number;
};
type Placed = Partial<Pick<User, "email_verified" | "name" | "app_metadata" | "logins_count">> & {
  readonly email: string;
  readonly subject?: string;
  readonly connection?: string;
};
type Ticket = {
  readonly url: string;
  readonly subject: string;
  readonly returnTo: string;
  readonly seconds: number;
};

export const connection = "people";
const database = "auth0";
export const random = (prefix: string) => `${prefix}${randomBytes(24).toString("base64url")}`;

/** People, organisations and tickets at Auth0, and what each operation does with them. */
export function createAuth0Tenant() {
  const users = new Map<string, User>();
  const organizations = new Map<string, Set<string>>();
  const tickets: Ticket[] = [];
  const passwords: string[] = [];

  const work: {
    [O in Exclude<Auth0Operation, "getToken">]: (
      call: Extract<Auth0Call, { operation: O }>,
    ) => Answer;
  } = {
    createUser({ body: { password, connection: into, email, ...person } }) {
      passwords.push(password);
      if (into !== connection) return failures.noConnection;
      if (!isStrong(password)) return failures.weakPassword;
      const address = email.toLowerCase();
      const isThere = (user: User) =>
        user.email === address && user.identities.some((identity) => identity.connection === into);
      if ([...users.values()].some(isThere)) return failures.userExists;
      return { status: 201, body: place({ ...person, email: address }) };
    },

    getUsersByEmail({ query }) {
      const found = [...users.values()].filter(({ email }) => email === query.email);
      return { status: 200, body: found.map((user) => pick(user, query.fields)) };
    },

    getUser({ id, query }) {
      const user = users.get(id);
      return user ? { status: 200, body: pick(user, query.fields) } : failures.noUser;
    },

    updateUser({ id, body }) {
      const user = users.get(id);
      if (!user) return failures.noUser;
      user.blocked = body.blocked;
      return { status: 200, body: user };
    },

    linkIdentity({ id, body: { provider, user_id } }) {
      const primary = users.get(id);
      if (!primary) return failures.noUser;
      const subject = `${provider}|${user_id}`;
      if (subject === id) return failures.sameIdentity;
      const secondary = users.get(subject);
      const isIt = (identity: Identity) => `${identity.provider}|${identity.user_id}` === subject;
      if (!secondary)
        return [...users.values()].some(({ identities }) => identities.some(isIt))
          ? failures.identityExists
          : failures.noIdentity;
      users.delete(subject);
      primary.identities.push(...secondary.identities);
      return { status: 201, body: primary.identities };
    },

    createTicket({ body }) {
      if (!users.has(body.user_id)) return failures.noUser;
      const ticket = `https://acme.eu.auth0.com/lo/reset?ticket=${random("")}#`;
      const { user_id: subject, result_url: returnTo, ttl_sec: seconds } = body;
      tickets.push({ url: ticket, subject, returnTo, seconds });
      return { status: 201, body: { ticket } };
    },

    addMembers({ id, body }) {
      const members = organizations.get(id);
      if (!members) return failures.noOrganization;
      if (!body.members.every((subject) => users.has(subject))) return failures.noUser;
      for (const subject of body.members) members.add(subject);
      return { status: 204 };
    },
  };

  /** An account made past the product, by default one whose address is proved. */
  function place({
    email,
    subject = `${database}|${randomBytes(12).toString("hex")}`,
    connection: from = connection,
    ...more
  }: Placed): User {
    const bar = subject.indexOf("|");
    const [provider, user_id] = [subject.slice(0, bar), subject.slice(bar + 1)];
    const user: User = {
      user_id: subject,
      email,
      email_verified: true,
      name: email,
      blocked: false,
      identities: [{ provider, user_id, connection: from }],
      app_metadata: {},
      ...more,
    };
    users.set(subject, user);
    return user;
  }

  return {
    users,
    organizations,
    tickets,
    passwords,
    place,
    answer: (call: Exclude<Auth0Call, { operation: "getToken" }>): Answer =>
      (work[call.operation] as (call: Auth0Call) => Answer)(call),
    /** They sign in, for the first time or again. */
    signIn(subject: string): void {
      const user = users.get(subject);
      if (user) user.logins_count = (user.logins_count ?? 0) + 1;
    },
  };
}

const pick = (user: User, fields: string) =>
  Object.fromEntries(Object.entries(user).filter(([key]) => fields.split(",").includes(key)));
