import type { Secret } from "../core/secret.ts";
import {
  asFailure,
  ask,
  askPatiently,
  causeOf,
  type Door,
  type Misconfiguration,
  type Question,
  type Reply,
} from "../remote/ask.ts";
import { assertDatabaseName, noSuchDatabase } from "./platform.ts";

export type SqldAdminSettings = {
  readonly adminUrl: string;
  readonly adminKey: Secret;
  readonly fetch: typeof fetch;
};
type Asking = Pick<Question, "method" | "body"> & { readonly deadline: number };

/** sqld's admin API: one namespace at a time. */
export function sqldAdmin({ adminUrl: url, adminKey: secret, fetch }: SqldAdminSettings) {
  const key = { scheme: "Basic", secret } as const;
  const door: Door = { name: "The database platform", url, fetch, key };
  return {
    door,

    /** For what makes something: after a failure its repetition would adopt what is half there. */
    async askOnce(name: string, what: string, { deadline, ...question }: Asking): Promise<Reply> {
      return await ask(door, { ...question, path: pathOf(name, what) }, deadline);
    },

    async ask(name: string, what: string, { deadline, ...question }: Asking): Promise<Reply> {
      const asking = { ...question, path: pathOf(name, what) };
      const reply = await askPatiently(door, asking, deadline);
      // With more namespaces than it keeps open, sqld says so of some that do exist.
      return isMissing(reply) ? await askPatiently(door, asking, deadline) : reply;
    },

    refusal: (reply: Reply) =>
      isMissing(reply) ? noSuchDatabase(causeOf(reply)) : asFailure(door, reply, misconfigurations),
  };
}

function pathOf(name: string, what: string): string {
  assertDatabaseName(name);
  return `/v1/namespaces/${name}${what}`;
}

export const isMissing = ({ status, text }: Reply) =>
  status === 404 && /namespace .* doesn't exist/i.test(text);
export const isDuplicate = ({ status, text }: Reply) =>
  status === 400 && text.includes("already exists");

const misconfigurations: readonly Misconfiguration[] = [
  { status: 401, detail: "SQLD_ADMIN_KEY is not accepted" },
  { status: 403, detail: "SQLD_ADMIN_URL leads to something that does not allow this" },
  { status: 404, detail: "SQLD_ADMIN_URL is not the address of sqld's admin API" },
];
