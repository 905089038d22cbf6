import { expect, test } from "vitest";
import { clip, decimal, domainName, email, flag, imageUrl, text } from "./text.ts";

const name = text(10);

test("text is trimmed, then measured", () => {
  expect(name.parse("  Ada  ")).toBe("Ada");
  expect(name.parse(`  ${"a".repeat(10)}  `)).toBe("a".repeat(10));
  expect(name.parse("漢字 😀 é")).toBe("漢字 😀 é");
});

test("joiners stay: scripts and emoji are written with them", () => {
  expect(name.parse("👩\u200d👧")).toBe("👩\u200d👧");
  expect(name.parse("می\u200cخواهم")).toBe("می\u200cخواهم");
});

test("two ways to write one letter are stored as one", () => {
  expect(name.parse("Zoe\u0301")).toBe("Zo\u00e9");
});

test.each([
  ["nothing", ""],
  ["only blanks", " \t\n "],
  ["too much", "a".repeat(11)],
  ["NUL", "a\u0000b"],
  ["an escape sequence", "a\u001b[31m"],
  ["a backspace", "a\bb"],
  ["DEL", "a\u007f"],
  ["a C1 control", "a\u0085b"],
  ["a line break", "a\nb"],
  ["a right-to-left override", "a\u202eb"],
  ["an isolate", "a\u2066b"],
  ["a zero-width space", "a\u200bb"],
  ["half an emoji, first", "a\ud83d"],
  ["half an emoji, second", "\ude00a"],
  ["a number", 7],
  ["null", null],
])("text that is %s is refused", (_, value) => {
  expect(name.safeParse(value).success).toBe(false);
});

test("an e-mail address is compared in lower case and without blanks", () => {
  expect(email.parse("  Ada@ACME.Test ")).toBe("ada@acme.test");
  expect(email.parse(`${"a".repeat(60)}@${"b".repeat(60)}.test`)).toHaveLength(126);
});

test.each([
  "",
  "ada",
  "ada@",
  "@acme.test",
  "ada@acme",
  "ada@@acme.test",
  "a da@acme.test",
  "ada@acme.test\u0000",
  "ada@acme.test\r\nbcc:x@y.test",
  "ada\ud800@acme.test",
  "Ada <ada@acme.test>",
  `ada@${"a.".repeat(130)}test`,
])("%j is no e-mail address", (value) => {
  expect(email.safeParse(value).success).toBe(false);
});

test.each(["https://cdn.acme.test/a.png", "https://cdn.acme.test:8443/a?size=2#x"])(
  "%s may be an image",
  (url) => {
    expect(imageUrl.parse(url)).toBe(url);
  },
);

test.each([
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  " javascript:alert(1)",
  "java\nscript:alert(1)",
  "data:image/svg+xml,<svg onload=alert(1)>",
  "http://cdn.acme.test/a.png",
  "//cdn.acme.test/a.png",
  "/a.png",
  "https://",
  "file:///etc/passwd",
  "https://cdn.acme.test/\u0000",
  "https://cdn.acme.test/\ud800",
  `https://cdn.acme.test/${"a".repeat(500)}`,
])("%j may not be an image", (url) => {
  expect(imageUrl.safeParse(url).success).toBe(false);
});

test("a decimal is a plain whole number within its bounds", () => {
  const percent = decimal(0, 100);
  expect(["0", "7", "007", "100"].map((value) => percent.parse(value))).toEqual([0, 7, 7, 100]);
  for (const value of [
    "",
    "-1",
    "101",
    "1.0",
    "1e1",
    "0x10",
    " 5",
    "5 ",
    "+5",
    "9999999999",
    "NaN",
  ])
    expect(percent.safeParse(value).success, value).toBe(false);
});

test("clipping never leaves half a character", () => {
  expect(clip("abc", 5)).toBe("abc");
  expect(clip("abcdef", 5)).toBe("abcde");
  expect(clip("abcd😀", 5)).toBe("abcd");
  expect(clip("abcd😀", 6)).toBe("abcd😀");
});

test("a domain is stored in lower case and without blanks", () => {
  expect(domainName.parse("  Research.ACME.test ")).toBe("research.acme.test");
  expect(domainName.parse("xn--mnchen-3ya.de")).toBe("xn--mnchen-3ya.de");
  const longest = `${`${"a".repeat(63)}.`.repeat(3)}${"b".repeat(61)}`;
  expect(domainName.parse(longest)).toHaveLength(253);
});

test.each([
  "",
  "acme",
  "acme.",
  ".acme.test",
  "acme..test",
  "-acme.test",
  "acme-.test",
  "ac me.test",
  "acme_x.test",
  "münchen.de",
  "acme.test:80",
  "acme.test/path",
  "https://acme.test",
  "*.acme.test",
  "127.0.0.1",
  "[::1]",
  "acme.test\u0000",
  "acme.test\nx.test",
  `${"a".repeat(64)}.test`,
  `${"a.".repeat(125)}test`,
])("%j is no domain", (value) => {
  expect(domainName.safeParse(value).success).toBe(false);
});

test("a flag is one of two words, and nothing like them", () => {
  expect([flag.parse("true"), flag.parse("false")]).toEqual([true, false]);
  for (const word of ["", "1", "0", "yes", "TRUE", " true", "null"])
    expect(flag.safeParse(word).success, word).toBe(false);
});
