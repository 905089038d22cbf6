import { fromBase64Url, hex, isEqual, type Signer, sha256, toBase64Url } from "./mac.ts";

/** What can be carried around by whoever holds it, and names its tenant. */
export type BearerKind = "key" | "invitation";
const prefixes: Record<BearerKind, string> = { key: "tnt_live_", invitation: "tnt_inv_" };
const secretBytes = 32;
const checkBytes = 8;

export type Bearer = {
  readonly tenantId: string;
  /** SHA-256 of the whole text: all that is ever stored of it. */
  readonly hash: string;
};

export const newSecretBytes = (): Uint8Array => crypto.getRandomValues(new Uint8Array(secretBytes));

export const isBearer = (kind: BearerKind, text: string): boolean =>
  text.startsWith(prefixes[kind]);

/**
 * The text of a key or invitation: a prefix secret scanners know, the tenant, the secret, and a check
 * signed with our own key, so that whatever we did not issue is refused before anything is looked up.
 */
export async function writeBearer(
  kind: BearerKind,
  tenantId: string,
  secret: Uint8Array,
  signer: Signer,
): Promise<string> {
  const tenant = tenantId.replace(/^tnt_/, "").replaceAll("-", "");
  const check = await checkOf(kind, tenant, secret, signer);
  return `${prefixes[kind]}${tenant}_${toBase64Url(new Uint8Array([...secret, ...check]))}`;
}

/** Which tenant the text names, if we issued it; whether it is still good only that tenant can tell. */
export async function readBearer(
  kind: BearerKind,
  text: string,
  signers: readonly Signer[],
): Promise<Bearer | undefined> {
  const parts = /^([0-9a-f]{32})_([\w-]{54})$/.exec(text.slice(prefixes[kind].length));
  const [, tenant = "", blob = ""] = (isBearer(kind, text) && parts) || [];
  const bytes = fromBase64Url(blob);
  if (bytes?.length !== secretBytes + checkBytes || toBase64Url(bytes) !== blob) return undefined;
  const [secret, given] = [bytes.slice(0, secretBytes), bytes.slice(secretBytes)];
  for (const signer of signers)
    if (isEqual(await checkOf(kind, tenant, secret, signer), given)) {
      const id = tenant.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
      return { tenantId: `tnt_${id}`, hash: await sha256(text) };
    }
  return undefined;
}

/** The part that tells keys apart in lists and logs, and is worth nothing by itself. */
export const bearerHint = (text: string): string =>
  `${text.replace(/_[\w-]{54}$/, "")}_${text.slice(-54).slice(0, 6)}`;

const checkOf = async (kind: BearerKind, tenant: string, secret: Uint8Array, signer: Signer) =>
  (await signer.sign(`${kind}.${tenant}.${hex(secret)}`)).slice(0, checkBytes);
