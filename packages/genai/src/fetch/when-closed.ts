/**
 * Tells that all was read, or that the line went dead, also where nobody asks any more: clients stop at the provider's last word, and leave the stream
 * as it is. The last piece is with its reader by then.
 */
export function whenClosed(
  { closed }: Pick<ReadableStreamDefaultReader, "closed">,
  ended: () => void,
  failed: (error: unknown) => void,
): void {
  closed.then(() => setImmediate(ended), failed);
}
