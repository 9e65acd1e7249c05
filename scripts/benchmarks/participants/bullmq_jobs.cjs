// BullMQ: Node, and Lua scripts that finish one job and claim the next in one step.
// /// script
// dependencies = ["bullmq@6.7.0", "ioredis@6.0.0"]
// [[participant]]
// name = "bullmq"
// title = "BullMQ (Node)"
// delivery = "at least once"
// slots = 100
// copies = true
// ///
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const { setTimeout: sleep } = require("node:timers/promises");
const Redis = require("ioredis");
const { Queue, Worker } = require("bullmq");

const { BENCH_URL, BENCH_DIARY, BENCH_SLOTS } = process.env;
const NAP = 50; // ms
const HOUR = 3600; // s
const BATCH = 1000; // jobs in one call of addBulk
const OPTIONS = {
  nothing: { removeOnComplete: true },
  answer: { removeOnComplete: { age: HOUR } },
  nap: { removeOnComplete: true },
};

const connection = () => new (Redis.Redis || Redis)(BENCH_URL, { maxRetriesPerRequest: null });

// Write down the moment, in one step: so do others.
function diary() {
  const file = fs.openSync(BENCH_DIARY, "a", 0o600);
  const record = Buffer.alloc(16);
  record.writeBigInt64LE(BigInt(process.pid), 8);
  return () => {
    record.writeBigInt64LE(process.hrtime.bigint(), 0);
    fs.writeSync(file, record);
  };
}

function work() {
  const wrote = diary();
  const jobs = {
    nothing: async () => wrote(),
    answer: async () => {
      wrote();
      return "done";
    },
    nap: async () => {
      await sleep(NAP);
      wrote();
    },
  };
  const run = async (job) => (await jobs[job.name](job)) ?? null;
  new Worker("bench", run, { connection: connection(), concurrency: Number(BENCH_SLOTS) });
}

async function produce() {
  const queue = new Queue("bench", { connection: connection() });
  const inBatches = async (job, count, options) => {
    for (let first = 0; first < count; first += BATCH) {
      const length = Math.min(BATCH, count - first);
      await queue.addBulk(Array.from({ length }, (_, at) => ({ name: job, data: { number: first + at }, opts: options })));
    }
  };
  const ways = {
    one: async (job, count) => {
      for (let number = 0; number < count; number++) await queue.add(job, { number }, OPTIONS[job]);
    },
    many: (job, count) => inBatches(job, count, OPTIONS[job]),
    later: (job, count) => inBatches(job, count, { ...OPTIONS[job], delay: HOUR * 1000 }),
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [how, job, count] = line.split(" ");
    const begun = process.hrtime.bigint();
    await ways[how](job, Number(count));
    process.stdout.write(`${begun} ${process.hrtime.bigint()}\n`);
  }
  process.exit(0);
}

if (process.argv[2] === "worker") work();
else produce();
