/** The part of JSON Schema (2020-12) that the document uses. Any other keyword is an error here. */
export type Schema = {
  $ref?: string;
  allOf?: Schema[];
  anyOf?: Schema[];
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  format?: string;
  pattern?: string;
  example?: unknown;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  minimum?: number;
};
export type Schemas = Record<string, Schema>;

const known = new Set(
  `$ref allOf anyOf type enum properties required additionalProperties items format pattern example
  minLength maxLength minItems maxItems minimum maximum minProperties default description`.split(
    /\s+/,
  ),
);

/** The schema itself: references followed, `allOf` merged. */
export function resolve(schemas: Schemas, schema: Schema): Schema {
  const unknown = Object.keys(schema).filter((keyword) => !known.has(keyword));
  if (unknown.length > 0) throw new Error(`The tests do not know ${unknown.join(", ")}`);
  if (schema.$ref) {
    const name = schema.$ref.replace("#/components/schemas/", "");
    const target = schemas[name];
    if (!target) throw new Error(`Nothing at ${schema.$ref}`);
    return resolve(schemas, target);
  }
  const parts = [schema, ...(schema.allOf ?? []).map((part) => resolve(schemas, part))];
  return {
    ...Object.assign({}, ...parts),
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
    required: parts.flatMap(({ required = [] }) => required),
  };
}

/**
 * Where `value` is not what the schema says. Objects are closed: a field that is not in the schema is
 * either undocumented or should not have left.
 */
export function mismatches(schemas: Schemas, schema: Schema, value: unknown, at = "$"): string[] {
  const { anyOf, type, enum: values, ...rest } = resolve(schemas, schema);
  if (anyOf) {
    const each = anyOf.map((option) => mismatches(schemas, option, value, at));
    return each.some((found) => found.length === 0) ? [] : each.flat();
  }
  if (type !== undefined && ![type].flat().some((name) => isType(name, value)))
    return [`${at} is ${JSON.stringify(value)}, not ${type}`];
  if (values && !values.includes(value))
    return [`${at} is ${JSON.stringify(value)}, not ${values}`];
  if (typeof value === "string") return textMismatches(rest, value, at);
  if (Array.isArray(value))
    return value.flatMap((item, i) => mismatches(schemas, rest.items ?? {}, item, `${at}[${i}]`));
  return isType("object", value) && type !== undefined
    ? fieldMismatches(schemas, rest, value as Record<string, unknown>, at)
    : [];
}

function isType(name: string, value: unknown): boolean {
  if (name === "null") return value === null;
  if (name === "array") return Array.isArray(value);
  if (name === "integer") return Number.isInteger(value);
  return typeof value === name && value !== null && !Array.isArray(value);
}

function textMismatches({ format, pattern }: Schema, value: string, at: string): string[] {
  const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
  const wrong =
    (pattern !== undefined && !new RegExp(pattern, "u").test(value)) ||
    (format === "date-time" && !instant.test(value));
  return wrong ? [`${at} is ${JSON.stringify(value)}, not ${pattern ?? format}`] : [];
}

function fieldMismatches(
  schemas: Schemas,
  { properties = {}, required = [], additionalProperties = false }: Schema,
  value: Record<string, unknown>,
  at: string,
): string[] {
  const missing = required
    .filter((name) => !(name in value))
    .map((name) => `${at}.${name} is missing`);
  const found = Object.entries(value).flatMap(([name, field]) => {
    const schema = properties[name] ?? additionalProperties;
    if (schema === false) return [`${at}.${name} is not in the document`];
    return schema === true ? [] : mismatches(schemas, schema, field, `${at}.${name}`);
  });
  return [...missing, ...found];
}
