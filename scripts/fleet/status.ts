import { target } from "../../src/registry/migrations/behind.ts";
import { type FleetStatus, getFleetStatus } from "../../src/registry/migrations/status.service.ts";
import type { FleetScope } from "../../src/registry/scope.ts";

/** Where the fleet is, for a person who was woken up. */
export async function describeFleet(scope: FleetScope): Promise<string[]> {
  const { versions, quarantined, drifted, running } = await getFleetStatus(scope);
  const list = (title: string, rows: FleetStatus["quarantined"]) =>
    rows.length === 0
      ? []
      : [title, ...rows.map(({ slug, id, why }) => `  ${slug} (${id}) ${why}`)];
  return [
    `This release needs schema version ${target}.`,
    ...versions.map(({ version, tenants }) => `  ${nameOf(version)}: ${tenants} tenants`),
    ...list("Quarantined, the last try failed:", quarantined),
    ...list("Drifted, never migrated by itself:", drifted),
    running ? `${running} is going on.` : "No migration is going on.",
  ];
}

function nameOf(version: number): string {
  if (version === target) return `version ${version}`;
  return `version ${version} (${version < target ? "behind" : "ahead"})`;
}
