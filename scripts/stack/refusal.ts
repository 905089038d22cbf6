/** An error its reader can act on: one sentence says it all, a stack trace would hide it. */
export const refusal = (sentence: string) => Object.assign(new Error(sentence), { refusal: true });

/** Runs a command line program: a refusal is printed as its sentence, anything else in full. */
export async function runProgram(main: () => Promise<void>, failed = 1): Promise<void> {
  try {
    await main();
  } catch (error) {
    reportFailure(error);
    process.exit(failed);
  }
}

export function reportFailure(error: unknown): void {
  console.error(error instanceof Error && "refusal" in error ? error.message : error);
}
