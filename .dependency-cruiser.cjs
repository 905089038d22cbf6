const source = { pathNot: "\\.test\\.ts$|^src/testing/|^scripts/|^bench/" };
const rule = (name, from, to, comment) => ({
  name,
  severity: "error",
  comment,
  from: { ...source, ...from, pathNot: [source.pathNot, from.pathNot].filter(Boolean) },
  to,
});
/** What runs, as against what is only a type. */
const code = { dependencyTypesNot: ["type-only"] };

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: { pathNot: "zod\\.en\\.js$" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-unresolved",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    rule("core-is-a-leaf", { path: "^src/core/" }, { path: "^src/(?!core/)" }),
    rule(
      "lower-rooms-know-no-features",
      { path: "^src/(db|platform|identity|mail|object-store|remote)/" },
      { path: "^src/(tenant|registry|http|app|ports|index|env)", ...code },
    ),
    rule(
      "services-know-no-http",
      {
        path: "\\.(service|table)\\.ts$|^src/(tenant|registry)/(commit|read|principal|scope)\\.ts$",
      },
      { path: "^src/http/|\\.routes\\.ts$|node_modules/hono" },
    ),
    rule(
      "tables-are-plain",
      { path: "\\.table\\.ts$" },
      {
        pathNot: "\\.table\\.ts$|^src/db/(audit\\.|idempotency\\.)?columns|^src/core/|drizzle-orm",
        ...code,
      },
    ),
    rule("only-app-mounts-routes", { pathNot: "^src/app\\.ts$" }, { path: "\\.routes\\.ts$" }),
    rule("one-door-to-libsql", { pathNot: "^src/db/" }, { path: "node_modules/@libsql" }),
    rule("tenant-never-sees-registry", { path: "^src/tenant/" }, { path: "^src/registry/" }),
    rule(
      "http-knows-no-feature",
      { path: "^src/http/" },
      {
        path: "^src/(tenant|registry)/",
        pathNot: "^src/tenant/(admit|refusal|denial)\\.ts$",
        ...code,
      },
    ),
    rule(
      "only-composition-reads-settings",
      { pathNot: "^src/(index|ports[.a-z]*|env)\\.ts$" },
      { path: "^src/(env|ports[.a-z]*)\\.ts$" },
    ),
    rule("the-product-knows-no-tests", {}, { path: "^src/testing/|^scripts/|\\.test\\.ts$" }),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "default", "types"],
    },
  },
};
