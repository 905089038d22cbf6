import { type ParseArgsConfig, parseArgs } from "node:util";
import { refusal } from "./refusal.ts";

/** Like `parseArgs`, strict, and whatever it dislikes becomes one sentence that ends in the usage. */
export function readArguments<Options extends NonNullable<ParseArgsConfig["options"]>>(
  options: Options,
  usage: string,
) {
  const args = joinNegativeNumbers(process.argv.slice(2));
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const [fault = ""] = String(error instanceof Error ? error.message : error).split(/\. |\n/);
    throw refusal(`${fault.replace(/\.$/, "")}. Usage: ${usage}`);
  }
}

/** `--ttl -5m` is meant as a value; the parser takes it for five flags. */
function joinNegativeNumbers(args: string[]): string[] {
  const joined: string[] = [];
  for (const argument of args) {
    const option = joined.at(-1);
    if (/^-\d/.test(argument) && option && /^--[a-z]+$/.test(option))
      joined.splice(-1, 1, `${option}=${argument}`);
    else joined.push(argument);
  }
  return joined;
}
