import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import path from "node:path";

/** What pino's destination keeps (sonic-boom 4), of which its types tell less. */
interface Destination {
  fd: number;
  /** The system has been given `_writingBuf`, and has not answered. */
  _writing: boolean;
  _writingBuf: string | Buffer;
  readonly _bufs: (string | Buffer)[];
  /** Bytes that wait. */
  _len: number;
  retryEAGAIN(): boolean;
  flushSync(): void;
  on(event: "write", listener: () => void): unknown;
}

/**
 * Bounds how long lines are written at once, which is done at the end of the process and for `fatal`. Left to pino, a disk that is full
 * or a reader that reads no more stops the process for ever.
 *
 * @param file Where it is not open yet. The end of a process may come before that.
 * @param fail Told when lines stay behind.
 */
export function flushInTime(stream: object, file: string | undefined, fail: (error: unknown) => void): void {
  const destination = stream as Destination;
  if (!Array.isArray(destination._bufs)) return;
  /** Refused for now: it is tried again when a timer is due, and not under way. */
  let isRefused = false;
  destination.retryEAGAIN = () => (isRefused = true);
  destination.on("write", () => (isRefused = false));

  destination.flushSync = () => {
    takeBack(destination, isRefused);
    const until = performance.now() + patienceMillis;
    try {
      if (destination.fd >= 0 || file === undefined) writeAll(destination, destination.fd, until);
      else withOpened(file, (fd) => writeAll(destination, fd, until));
    } catch (error) {
      fail(error);
    }
  };
}

function takeBack(destination: Destination, isRefused: boolean): void {
  if ((destination._writing && !isRefused) || destination._writingBuf.length === 0) return;
  destination._bufs.unshift(destination._writingBuf);
  destination._writingBuf = "";
}

function writeAll(destination: Destination, fd: number, until: number): void {
  while (destination._bufs.length > 0) writeFirst(destination, fd, until);
}

function writeFirst(destination: Destination, fd: number, until: number): void {
  let rest = Buffer.from(destination._bufs[0] ?? "");
  try {
    while (rest.length > 0) {
      const written = writeWaiting(fd, rest, until);
      rest = rest.subarray(written);
      destination._len = Math.max(0, destination._len - written);
    }
  } finally {
    // What is written next is put behind a text: a character may be cut in two here.
    if (rest.length === 0) destination._bufs.shift();
    else destination._bufs.splice(0, 1, rest, ...(destination._bufs.length === 1 ? [""] : []));
  }
}

/** A reader that is only slow is waited for. */
function writeWaiting(fd: number, rest: Buffer, until: number): number {
  for (;;) {
    try {
      return writeSync(fd, rest);
    } catch (error) {
      const isForNow = error instanceof Error && "code" in error && (error.code === "EAGAIN" || error.code === "EBUSY");
      if (!isForNow || performance.now() > until) throw error;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}

function withOpened(file: string, work: (fd: number) => void): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const fd = openSync(file, "a");
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));
const patienceMillis = 500;
