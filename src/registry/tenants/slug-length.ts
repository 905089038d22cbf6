import { invalidField } from "../../core/error.ts";

/** What this deployment allows, within what a DNS label can be. */
export function assertSlugLength(
  slug: string,
  { slugMin, slugMax }: { slugMin: number; slugMax: number },
): void {
  if (slug.length >= slugMin && slug.length <= slugMax) return;
  const message = `must have ${slugMin} to ${slugMax} characters`;
  throw invalidField(`slug: ${message}`, { in: "body", path: "slug", message });
}
