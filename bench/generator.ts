// The load, in a thread of its own. HTTP by hand: Node's client costs four times as much, and what it
// takes it takes from the Worker and the database on the same machine.
import { connect } from "node:net";
import { parentPort } from "node:worker_threads";
import type { Fired, Load } from "./load.ts";
import { quantile } from "./statistics.ts";

const patienceMs = 30_000;
let sent = 0;

/** The request as it goes over the wire; `{n}` in a body becomes a number no other request has. */
function* requestsOf({ url, calls }: Load): Generator<string, never> {
  const { host } = new URL(url);
  for (let turn = 0; ; turn = (turn + 1) % calls.length) {
    const { method = "GET", path, headers = {}, body = "" } = calls[turn] ?? { path: "/" };
    const text = body.replace("{n}", String(++sent));
    const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`);
    const length = body ? [`content-length: ${Buffer.byteLength(text)}`] : [];
    yield `${method} ${path} HTTP/1.1\r\n${[...lines, ...length].join("\r\n")}\r\n\r\n${text}`;
  }
}

/** Bytes the answer has in all, once its head is there. */
function lengthOf(answer: string): number {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return Number.POSITIVE_INFINITY;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, end))?.[1];
  if (length === undefined) throw new Error("An answer without content-length");
  return end + 4 + Number(length);
}

/** Sends one request after the other, until `onAnswer` says it is enough. */
function keepAsking(
  { url, status }: Load,
  requests: Generator<string, never>,
  onAnswer: (ms: number, ok: boolean) => boolean,
): Promise<void> {
  const { port, hostname } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  socket.setTimeout(patienceMs, () => socket.destroy(new Error("No answer any more")));
  let received = "";
  let length = Number.POSITIVE_INFINITY;
  let began = 0;
  const ask = () => {
    received = "";
    length = Number.POSITIVE_INFINITY;
    began = performance.now();
    socket.write(requests.next().value);
  };
  return new Promise((resolve, reject) => {
    socket.setEncoding("latin1").on("connect", ask);
    socket.on("error", reject).on("close", () => reject(new Error("The connection was closed")));
    socket.on("data", (chunk: string) => {
      received += chunk;
      if (length === Number.POSITIVE_INFINITY) length = lengthOf(received);
      if (received.length < length) return;
      if (onAnswer(performance.now() - began, received.startsWith(`HTTP/1.1 ${status}`)))
        return ask();
      resolve();
      socket.destroy();
    });
  });
}

async function fire(load: Load): Promise<Fired> {
  const from = performance.now() + load.settleMs;
  const until = from + load.measureMs;
  const times: number[] = [];
  let answers = 0;
  let failures = 0;
  const cpu = process.threadCpuUsage();
  const onAnswer = (ms: number, ok: boolean) => {
    const now = performance.now();
    answers++;
    if (!ok) failures++;
    if (now >= from && now < until) times.push(ms);
    return now < until;
  };
  const requests = requestsOf(load);
  await Promise.all(
    Array.from({ length: load.connections }, () => keepAsking(load, requests, onAnswer)),
  );
  const { user, system } = process.threadCpuUsage(cpu);
  times.sort((a, b) => a - b);
  return {
    perSecond: times.length / (load.measureMs / 1000),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    answers,
    failures,
    generatorUs: (user + system) / answers,
  };
}

parentPort?.on("message", async (load: Load) => {
  const fired = await fire(load).catch((error: unknown) => String(error));
  parentPort?.postMessage(fired);
});
