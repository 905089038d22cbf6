import { originMatcher } from "./cors.ts";

const loopback = ["localhost", "127.0.0.1"];

/**
 * Tells the addresses a login may lead back to: pages of the origins listed, `*` not counted, over
 * https or on this machine. What a browser would have to tidy up first is none, whatever it becomes.
 */
export function callbackRule(patterns: readonly string[]): (uri: string) => boolean {
  const match = originMatcher(patterns.filter((pattern) => pattern !== "*"));
  return (uri) => {
    if (!/^[\x21-\x7e]+$/.test(uri) || /[#\\]/.test(uri) || !URL.canParse(uri)) return false;
    const { origin, protocol, hostname } = new URL(uri);
    const plain = uri === origin || [`${origin}/`, `${origin}?`].some((own) => uri.startsWith(own));
    const safe = protocol === "https:" || (protocol === "http:" && loopback.includes(hostname));
    return plain && safe && match(origin) !== null;
  };
}
