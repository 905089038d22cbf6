import { uuidv7 } from "../core/id.ts";
import type { Call } from "./client.ts";
import { resolve, type Schema, type Schemas } from "./json-schema.ts";

/** A value the schema accepts, with no more than it requires; ids and addresses are new each time. */
export function sample(schemas: Schemas, schema: Schema): unknown {
  const resolved = resolve(schemas, schema);
  const { anyOf, enum: values, example, type, items = {}, minItems = 0, minimum = 1 } = resolved;
  if (anyOf?.[0]) return sample(schemas, anyOf[0]);
  if (values) return values[0];
  switch ([type].flat()[0]) {
    case "string":
      return sampleText(resolved);
    case "object":
      return sampleFields(schemas, resolved);
    case "array":
      return Array.from({ length: minItems }, () => sample(schemas, items));
    case "boolean":
      return true;
    default:
      return example ?? minimum;
  }
}

function sampleText({ format, example, pattern, minLength = 1 }: Schema): string {
  if (format === "email") return `${uuidv7()}@sample.test`;
  if (format === "date-time") return new Date().toISOString();
  if (format === "uri") return "https://sample.test/";
  if (typeof example === "string") return fresh(example, pattern);
  if (pattern) throw new Error(`Give the schema with the pattern ${pattern} an example`);
  return "x".repeat(minLength);
}

/** Another one each time, where it can be: what is to be unique may be taken. */
function fresh(example: string, pattern: string | undefined): string {
  const other = `${example}-${uuidv7().slice(-12)}`;
  return pattern && new RegExp(pattern, "u").test(other)
    ? other
    : example.replace(/[\da-f]{8}-[-\da-f]{27}/, uuidv7());
}

function sampleFields(schemas: Schemas, { properties = {}, required = [] }: Schema) {
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, 1);
  return Object.fromEntries(names.map((name) => [name, sample(schemas, properties[name] ?? {})]));
}

type Headed = { readonly parameters: readonly { name: string; required?: boolean }[] };

/** The headers an operation does nothing without. */
export const headersOf = ({ parameters }: Headed): Record<string, string> =>
  parameters.some(({ name, required }) => name === "if-match" && required)
    ? { "if-match": "*" }
    : {};

/** Bodies nobody should send. Whoever may not do a thing at all gets the same answer with any of them. */
export function oddBodies(schemas: Schemas, schema: Schema): Call[] {
  const fields = Object.keys(resolve(schemas, schema).properties ?? {});
  const filled = (value: unknown) => Object.fromEntries(fields.map((name) => [name, value]));
  const valid = JSON.stringify(sample(schemas, schema));
  return [
    {},
    { body: valid, headers: { "content-type": "text/plain" } },
    { body: valid.slice(0, -1) },
    { body: `${"[".repeat(5000)}${"]".repeat(5000)}` },
    { body: `{"__proto__":{"admitted":1},${valid.slice(1)}` },
    ...[null, [], "text", {}].map((body) => ({ body: JSON.stringify(body) })),
    ...[null, 7, { $gt: "" }, "\u0000\ud800"].map((value) => ({ body: filled(value) })),
    { body: filled(Array.from({ length: 2000 }, () => "x")) },
  ];
}
