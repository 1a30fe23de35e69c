import { ledgerTasks } from "./ledger-tasks.ts";

/** The other side of `inOwnProcess`: runs the one task that it is sent, answers, and ends. */
process.once("message", ({ name, input }: { name: keyof typeof ledgerTasks; input: never }) => {
  const answer = (message: object): void => void process.send?.(message, () => process.disconnect());
  ledgerTasks[name](input).then(
    (value) => answer({ value }),
    (error: unknown) => answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
