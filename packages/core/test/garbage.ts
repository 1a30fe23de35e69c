import { setImmediate as afterOtherWork } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;

/** Collects garbage until that has come about. Throws after a long while without. */
export async function collectGarbageUntil(hasComeAbout: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!hasComeAbout()) {
    if (performance.now() > deadline) throw new Error("what was given up has not been collected");
    collect();
    await afterOtherWork();
  }
}
