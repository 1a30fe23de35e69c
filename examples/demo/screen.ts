import { type Frame, renderAddresses, renderFrame, renderLine } from "./frame.ts";

export interface Screen {
  show(frame: Frame): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** The part of `process.stdout` that is needed. */
export interface Output {
  readonly isTTY: boolean;
  readonly rows: number;
  write(text: string): boolean;
}

/** On a terminal the frame is redrawn in place; otherwise the addresses and then one line now and then are written. */
export function openScreen(output: Output): Screen {
  if (!output.isTTY) return lineScreen(output);
  // The alternate screen, without a cursor and without wrapping in a narrow window.
  output.write("\x1b[?1049h\x1b[?25l\x1b[?7l");
  let open = true;
  return {
    show(frame) {
      const lines = renderFrame(frame).slice(0, output.rows);
      output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
    },
    close() {
      if (open) output.write("\x1b[?7h\x1b[?25h\x1b[?1049l");
      open = false;
    },
  };
}

const secondsBetweenLines = 2;

function lineScreen(output: Output): Screen {
  let next = 0;
  return {
    show(frame) {
      if (next === 0) {
        output.write(`${renderAddresses(frame).join("\n")}\n`);
        next = secondsBetweenLines;
      }
      if (frame.seconds < next) return;
      next += secondsBetweenLines;
      output.write(`${renderLine(frame)}\n`);
    },
    close() {},
  };
}
