import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeWriter } from "./writers.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

let databases = 0;
const newDatabase = () => ({ key: `database ${databases++}`, label: "The database" });
const soon = () => Date.now() + 1000;
const leaseMs = 500;
const writeMs = 20;

test("never more than the cap write at once, and everybody gets a turn", async () => {
  const database = newDatabase();
  let [writing, most, done] = [0, 0, 0];
  const writers = Array.from({ length: 60 }, async () => {
    const release = await takeWriter(database, 4, leaseMs, soon());
    writing++;
    most = Math.max(most, writing);
    await new Promise((wake) => setTimeout(wake, writeMs));
    writing--;
    done++;
    release();
  });
  await vi.runAllTimersAsync();
  await Promise.all(writers);
  expect({ most, done }).toEqual({ most: 4, done: 60 });
});

test("who came first writes first", async () => {
  const database = newDatabase();
  const order: number[] = [];
  const writers = Array.from({ length: 20 }, async (_, index) => {
    const release = await takeWriter(database, 1, leaseMs, soon());
    order.push(index);
    await new Promise((wake) => setTimeout(wake, writeMs));
    release();
  });
  await vi.runAllTimersAsync();
  await Promise.all(writers);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test("who vanished while waiting holds the others up for a moment only", async () => {
  const database = newDatabase();
  const release = await takeWriter(database, 1, leaseMs, soon());
  vi.spyOn(globalThis, "setTimeout").mockImplementationOnce(() => 0 as never);
  void takeWriter(database, 1, leaseMs, soon());
  const next = takeWriter(database, 1, leaseMs, soon());
  release();
  await vi.advanceTimersByTimeAsync(250);
  await expect(Promise.race([next, "still waiting"])).resolves.toBeTypeOf("function");
});

test("a full database holds up no other", async () => {
  const full = newDatabase();
  await takeWriter(full, 1, leaseMs, soon());
  await expect(takeWriter(newDatabase(), 1, leaseMs, soon())).resolves.toBeTypeOf("function");
});

test("the place of a writer that vanished is free again when its lease ends, not before", async () => {
  const database = newDatabase();
  await takeWriter(database, 1, leaseMs, soon());
  let entered = false;
  const next = takeWriter(database, 1, leaseMs, soon()).then(() => {
    entered = true;
  });
  await vi.advanceTimersByTimeAsync(leaseMs - 1);
  expect(entered).toBe(false);
  await vi.advanceTimersByTimeAsync(10);
  await next;
  expect(entered).toBe(true);
});

test("a writer that returns after its lease ended frees nobody else's place", async () => {
  const database = newDatabase();
  const late = await takeWriter(database, 1, leaseMs, soon());
  await vi.advanceTimersByTimeAsync(leaseMs);
  await takeWriter(database, 1, leaseMs, soon());
  late();
  late();
  const outcome = takeWriter(database, 1, leaseMs, Date.now() + 100).then(
    () => "entered",
    () => "refused",
  );
  await vi.advanceTimersByTimeAsync(200);
  expect(await outcome).toBe("refused");
});

test("who still waits at their deadline gets a 503 that says when to come back", async () => {
  const database = newDatabase();
  await takeWriter(database, 1, leaseMs, soon());
  const refusal = takeWriter(database, 1, leaseMs, Date.now() + 100).catch((error) => error);
  await vi.advanceTimersByTimeAsync(120);
  expect(await refusal).toMatchObject({
    code: "dependency_unavailable",
    message: "The database has too many writers",
    headers: { "retry-after": "1" },
  });
});
