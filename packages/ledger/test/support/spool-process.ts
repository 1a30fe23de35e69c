// A process with a spool, for tests to kill: `<what> <directory> <number>`. It says on stdout what it has done, after it has.
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openSpool } from "../../src/spool/spool.ts";
import { openTally } from "../../src/spool/tally.ts";
import { numberedRows, numberOf } from "./spool-rows.ts";

const [what = "", directory = "", parameter = "0"] = process.argv.slice(2);
const number = Number(parameter);
const spool = openSpool({ directory });

const roles: Readonly<Record<string, () => Promise<void>>> = {
  /** Appends batches of seven rows from `number` on, three at once; the line is the last row of an acknowledged batch. */
  async write() {
    let next = number;
    const lane = async (): Promise<void> => {
      // A test that fails must not leave it writing for ever.
      while (performance.now() < 60_000) {
        const first = next;
        next += 7;
        await spool.append(numberedRows(first, 7));
        say(String(first));
      }
    };
    await Promise.all([lane(), lane(), lane()]);
  },

  /** Adopts, hands out all there is, and lives on. */
  async adopt() {
    const { rows, lost } = await spool.adopt();
    say(`adopted ${rows} ${lost}`);
    for (;;) {
      const batch = await spool.next();
      if (batch === undefined) break;
      say(`rows ${batch.rows.map(numberOf).join(",")}`);
      if (number > 0) await sleep(number);
      await batch.done();
    }
    say("end");
    await lastLong();
  },

  /** Appends 10 rows, and 10 more whenever it is told to. */
  async hold() {
    for (let first = number; ; first += 10) {
      await spool.append(numberedRows(first, 10));
      say(String(first));
      await new Promise((resolve) => process.stdin.once("data", resolve));
    }
  },

  /** Accepts `number` rows in two goes, settles three of them, and waits for its end. */
  async count() {
    const tally = openTally(directory);
    tally.accepted(number - 1);
    tally.settled(3);
    tally.accepted(1);
    say("counted");
    await lastLong();
  },

  /** Appends 10 rows from inside an `exit` listener. */
  async exit() {
    process.on("exit", () => spool.appendSync(numberedRows(number, 10)));
    process.exit(0);
  },
};

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function lastLong(): Promise<void> {
  await sleep(120_000);
}

roles[what]?.().catch((error: unknown) => {
  say(`failed: ${String(error)}`);
  process.exitCode = 1;
});
