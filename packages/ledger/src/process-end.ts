/** What is done before the process ends. */
export interface BeforeTheEnd {
  /** When nothing is left to do. Comes again after every work that it began. */
  idle(): void;
  /** In the process's last moment, when no promise resolves any more. */
  last(): void;
}

/** Has it done at the end of the process, until the returned function is called. One listener for all: of eleven Node.js warns. */
export function atProcessEnd(work: BeforeTheEnd): () => void {
  if (works.size === 0) {
    process.on("beforeExit", onBeforeExit);
    process.on("exit", onExit);
  }
  works.add(work);
  return () => {
    works.delete(work);
    if (works.size > 0) return;
    process.removeListener("beforeExit", onBeforeExit);
    process.removeListener("exit", onExit);
  };
}

const works = new Set<BeforeTheEnd>();

function onBeforeExit(): void {
  for (const work of works) work.idle();
}

function onExit(): void {
  for (const work of works) work.last();
}
