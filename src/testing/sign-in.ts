import { createHash, randomBytes } from "node:crypto";
import { decodeJwt } from "jose";

const redirectUri = "http://localhost:3000/callback";

/** Signs a person in at the running provider as a single-page app does: code flow with PKCE. */
export async function signInAsApp(
  issuer: string,
  email: string,
): Promise<{ accessToken: string; idToken: string; clientId: string }> {
  const clientId = "tenantry-spa";
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: "code",
    redirect_uri: redirectUri,
    scope: "openid profile email",
    nonce: randomBytes(8).toString("hex"),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const code = await codeOf(`${issuer}/auth?${query}`, email);
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { origin: new URL(redirectUri).origin },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      client_id: clientId,
      code_verifier: verifier,
    }),
  });
  const body = (await response.json()) as { access_token: string; id_token: string };
  if (decodeJwt(body.id_token).aud !== clientId) throw new Error("not an ID token");
  return { accessToken: body.access_token, idToken: body.id_token, clientId };
}

/** Follows the provider like a browser, cookies and the sign-in form included, up to the app's own page. */
async function codeOf(start: string, email: string): Promise<string> {
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
    if (location?.startsWith(redirectUri))
      return new URL(location).searchParams.get("code") ?? location;
    const form = { method: "POST", body: new URLSearchParams({ login: email }) };
    [url, init] = location ? [new URL(location, url).href, {}] : [url, form];
  }
  throw new Error("the provider never came back to the app");
}
