import { expect, test } from "vitest";
import { newId } from "../../core/id.ts";
import { newPerson, newTenant, registry } from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";

const operationOf = async (tenantId: string) => {
  const [row] = await rowsOf(registry, `select id from operations where tenant_id = '${tenantId}'`);
  return String(row?.["id"]);
};
const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test("whoever asked for an operation sees it with every step it took", async () => {
  const { id: tenantId, owner } = await newTenant();
  const id = await operationOf(tenantId);
  const { status, body } = await owner.call(`/api/v1/operations/${id}`);
  expect(status).toBe(200);
  const names = ["create_database", "mint_token", "probe", "migrate", "stamp", "seed", "activate"];
  expect(body).toEqual({
    id,
    kind: "provision",
    tenantId,
    status: "succeeded",
    undoing: false,
    attempts: 1,
    error: null,
    nextAttemptAt: null,
    output: {},
    steps: names.map((name) => ({
      name,
      undoes: false,
      status: "succeeded",
      attempts: 1,
      progress: null,
      error: null,
      finishedAt: at,
    })),
    createdAt: at,
    updatedAt: at,
    finishedAt: at,
  });
});

test("somebody else's operation answers with the very body of one that never was", async () => {
  const tenant = await newTenant();
  const id = await operationOf(tenant.id);
  const admin = await tenant.member({ tenantRole: "admin" });
  for (const person of [newPerson(), admin]) {
    const answers = await Promise.all(
      [id, newId("operation")].map(async (each) => {
        const { status, body } = await person.call(`/api/v1/operations/${each}`);
        const { requestId, instance, ...rest } = body;
        expect(instance).toBe(`/api/v1/operations/${each}`);
        return { status, rest };
      }),
    );
    expect(answers[0]?.status).toBe(404);
    expect(answers[0]).toEqual(answers[1]);
  }
});

test("what is not the id of an operation is a malformed request", async () => {
  const person = newPerson();
  for (const id of ["1", "opr_1", newId("tenant"), newId("operation").toUpperCase()]) {
    const { status, body } = await person.call(`/api/v1/operations/${id}`);
    expect({ status, errors: body["errors"] }).toMatchObject({
      status: 400,
      errors: [{ in: "path", path: "id" }],
    });
  }
});
