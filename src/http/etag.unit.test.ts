import { expect, test } from "vitest";
import { acceptedVersions, etagOf, requiredVersions } from "./etag.ts";

const tenant = "tnt_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";
const other = "tnt_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7e";

test("a tag given out is accepted as exactly the version it was given for", () => {
  expect(etagOf(tenant, 12)).toBe(`"${tenant}.12"`);
  expect(acceptedVersions(etagOf(tenant, 12), tenant)).toEqual([12]);
});

test("without the header, and with *, every version is accepted", () => {
  expect(acceptedVersions(undefined, tenant)).toBeUndefined();
  expect(acceptedVersions("*", tenant)).toBe("any");
  expect(acceptedVersions(" * ", tenant)).toBe("any");
});

test("of several tags each counts", () => {
  expect(
    acceptedVersions(`${etagOf(tenant, 1)},${etagOf(other, 2)} , ${etagOf(tenant, 3)}`, tenant),
  ).toEqual([1, 3]);
});

test.each([
  ["a weak tag", `W/${etagOf(tenant, 1)}`],
  ["another tenant's tag", etagOf(other, 1)],
  ["a tag that is not ours", '"abc"'],
  ["an empty tag", '""'],
  ["a version in hexadecimal", `"${tenant}.0x1"`],
  ["a version with an exponent", `"${tenant}.1e0"`],
  ["a version with a leading zero", `"${tenant}.01"`],
  ["a version with a fraction", `"${tenant}.1.0"`],
  ["no version", `"${tenant}."`],
  ["a negative version", `"${tenant}.-1"`],
  ["a version too large to be one", `"${tenant}.99999999999999999999"`],
])("%s is well-formed and matches nothing", (_, header) => {
  expect(acceptedVersions(header, tenant)).toEqual([]);
});

test.each([
  ["nothing", ""],
  ["a tag without quotes", `${tenant}.1`],
  ["an open quote", `"${tenant}.1`],
  ["a bare number", "1"],
  ["* among tags", `*, ${etagOf(tenant, 1)}`],
  ["a trailing comma", `${etagOf(tenant, 1)},`],
  ["a blank inside", '"a b"'],
  ["a lower-case weakness", `w/${etagOf(tenant, 1)}`],
])("%s is malformed, and says so", (_, header) => {
  expect(() => acceptedVersions(header, tenant)).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      errors: [{ in: "header", path: "if-match", message: "is not an entity tag" }],
    }),
  );
});

test("version 0 is that of what nobody has written yet", () => {
  expect(acceptedVersions(`"${tenant}.0"`, tenant)).toEqual([0]);
});

test("where a version is demanded, only a request without one is told so", () => {
  expect(requiredVersions(etagOf(tenant, 3), tenant)).toEqual([3]);
  expect(requiredVersions("*", tenant)).toBe("any");
  expect(() => requiredVersions(undefined, tenant)).toThrow(
    expect.objectContaining({ code: "precondition_required", status: 428 }) as Error,
  );
});
