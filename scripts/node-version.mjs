// Plain JavaScript and preloaded: an older Node cannot even read the TypeScript that would complain.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} is too old: 22.18 or newer runs these scripts (npm ci brings one on Linux x64, elsewhere see https://nodejs.org).`,
  );
  process.exit(1);
}
