/** A fetch that leads every request for a provider's host to `url`, below whatever wraps it: what wraps it sees the true addresses. */
export function dial(url: string, under: typeof fetch = globalThis.fetch): typeof fetch {
  const to = (address: string): string => {
    const { hostname, pathname, search } = new URL(address);
    return hostname === "127.0.0.1" ? address : `${url}${pathname}${search}`;
  };
  return (input, init) => {
    if (!(input instanceof Request)) return under(to(String(input)), init);
    return under(new Request(to(input.url), input), init);
  };
}
