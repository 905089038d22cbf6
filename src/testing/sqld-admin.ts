import type { Sqld } from "../../scripts/stack/sqld.ts";

/** A request to sqld's admin API as it is, past the product. */
export async function askSqldAdmin(
  { adminUrl, adminKey }: Pick<Sqld, "adminUrl" | "adminKey">,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${adminUrl}/v1/namespaces/${path}`, {
    method,
    headers: {
      authorization: `Basic ${adminKey}`,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : {} };
}
