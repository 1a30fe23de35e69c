import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Creates the file, empty, where there is none, for its owner's eyes alone; SQLite gives its `-wal` and `-shm` the same mode.
 * Missing directories are made too, and their entries written through to the disk, which SQLite does for the file alone.
 */
export function createDatabaseFile(file: string): void {
  const directory = path.dirname(file);
  const firstMade = mkdirSync(directory, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
  if (firstMade === undefined) return;
  for (let made = directory; made.length >= firstMade.length; made = path.dirname(made))
    syncDirectory(path.dirname(made));
}

/** Tells one file from another of the same name: undefined when there is none. */
export function identityOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

function syncDirectory(directory: string): void {
  try {
    const descriptor = openSync(directory, "r");
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // Windows has no such thing.
  }
}
