import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Listeners by the channel's name. */
export type Listeners = Readonly<Record<string, (message: never) => void>>;

/** Subscribes to the channels. The returned function ends that. */
export function subscribeAll(listeners: Listeners): () => void {
  const subscribed = Object.entries(listeners).map(([name, listen]) => {
    const safe = harmless(listen);
    subscribe(name, safe);
    return [name, safe] as const;
  });
  return () => {
    for (const [name, safe] of subscribed) unsubscribe(name, safe);
  };
}

/**
 * What a subscriber throws would end the process. A message of another shape (a version to come, a socket that is none, as some
 * tests make) costs that request its meters and no more.
 */
function harmless(listen: (message: never) => void): (message: unknown) => void {
  return (message) => {
    try {
      listen(message as never);
    } catch {
      // As above.
    }
  };
}
