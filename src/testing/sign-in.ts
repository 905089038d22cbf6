import { createHash, randomBytes } from "node:crypto";
import { decodeJwt } from "jose";
import { call } from "./client.ts";

const redirectUri = "http://localhost:3000/callback";

type LoginConfig = { clientId: string; endpoints: { authorization: string; token: string } };

/**
 * Signs a person in as a single-page app does, which knows nothing but where the API is: code flow with
 * PKCE, by way of `/auth/config` and `/auth/login`.
 */
export async function signInAsApp(
  apiUrl: string,
  email: string,
): Promise<{ accessToken: string; idToken: string; clientId: string }> {
  const { body: config } = await call<LoginConfig>(`${apiUrl}/api/v1/auth/config`);
  const { clientId, endpoints } = config;
  const verifier = randomBytes(32).toString("base64url");
  const [state, nonce] = [randomBytes(8).toString("hex"), randomBytes(8).toString("hex")];
  const query = new URLSearchParams({
    redirect_uri: redirectUri,
    state,
    nonce,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  });
  const { headers } = await call(`${apiUrl}/api/v1/auth/login?${query}`);
  const returned = await walkBack(headers["location"] ?? "", email);
  if (returned.get("state") !== state) throw new Error(`no way back: ${returned}`);
  const response = await fetch(endpoints.token, {
    method: "POST",
    headers: { origin: new URL(redirectUri).origin },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: returned.get("code") ?? "",
      redirect_uri: redirectUri,
      client_id: clientId,
      code_verifier: verifier,
    }),
  });
  const body = (await response.json()) as { access_token: string; id_token: string };
  const { aud, nonce: signed } = decodeJwt(body.id_token);
  if (aud !== clientId || signed !== nonce) throw new Error("not the ID token of this login");
  return { accessToken: body.access_token, idToken: body.id_token, clientId };
}

/** Follows the provider like a browser, cookies and the sign-in form included, up to the app's own page. */
async function walkBack(start: string, email: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let [url, init]: [string, RequestInit] = [start, {}];
  for (let step = 0; step < 10; step++) {
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (location?.startsWith(redirectUri)) return new URL(location).searchParams;
    const form = { method: "POST", body: new URLSearchParams({ login: email }) };
    [url, init] = location ? [new URL(location, url).href, {}] : [url, form];
  }
  throw new Error("the provider never came back to the app");
}
