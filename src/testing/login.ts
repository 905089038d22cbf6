import { expect } from "vitest";
import { type Answer, type Call, call } from "./client.ts";
import { stack } from "./harness.ts";

type Query = Record<string, string>;

/** What no login goes without. */
export const asked: Query = {
  redirect_uri: "http://localhost:3000/callback",
  state: "state of the app",
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
};

export const loginPath = (query: Query) => `/api/v1/auth/login?${new URLSearchParams(query)}`;

/** A login as it should be, but for `query`. */
export const login = <T = Record<string, unknown>>(
  query: Query,
  base = stack.apiUrl,
  options?: Call,
) => call<T>(`${base}${loginPath({ ...asked, ...query })}`, options);

/** What the provider is asked, beyond what every login asks. */
export function hintsOf({ status, headers, body }: Answer): Query {
  expect([status, body]).toEqual([302, ""]);
  const sent = Object.fromEntries(new URL(headers["location"] ?? "").searchParams);
  const usual = ["client_id", "response_type", "audience", "scope", "code_challenge_method"];
  const own = [...usual, ...Object.keys(asked)];
  expect(Object.keys(sent)).toEqual(expect.arrayContaining(own));
  return Object.fromEntries(Object.entries(sent).filter(([name]) => !own.includes(name)));
}
