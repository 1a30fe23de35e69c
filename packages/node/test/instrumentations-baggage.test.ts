import { createServer, get, type IncomingHttpHeaders, request, type RequestOptions, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { currentAttribution, withAttribution } from "@meterbridge/core";
import { type Sdk, start, type StartOptions } from "@meterbridge/node";
import { context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { CompositePropagator, suppressTracing, W3CBaggagePropagator } from "@opentelemetry/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { freePort } from "../../../test/support/servers.ts";
import { hideEnvironment, keepingExporter, keepingLogger } from "./support.ts";

const closing: (() => Promise<unknown>)[] = [];
const logger = keepingLogger();
let sdk: Sdk | undefined;
beforeEach(() => {
  hideEnvironment();
  logger.lines.length = 0;
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await sdk?.shutdown();
  propagation.disable();
  vi.unstubAllEnvs();
});

function startWith(options: StartOptions = {}): void {
  sdk = start({ exporters: [keepingExporter()], diagLogger: logger, ...options });
}

interface Receiver {
  readonly port: number;
  readonly headers: IncomingHttpHeaders[];
}

/** A server that keeps the headers that it is sent. A path with an address in it sends there. */
async function receiver(listenOn: string | number = 0): Promise<Receiver> {
  const headers: IncomingHttpHeaders[] = [];
  const server: Server = createServer((incoming, response) => {
    headers.push(incoming.headers);
    const [, target] = incoming.url?.split("?to=") ?? [];
    if (target !== undefined) response.writeHead(307, { location: decodeURIComponent(target) });
    response.end("{}");
  });
  await new Promise<void>((resolve) => {
    if (typeof listenOn === "string") server.listen(listenOn, resolve);
    else server.listen(listenOn, "127.0.0.1", resolve);
  });
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, headers };
}

function byNode(options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    request(options, (response) => response.resume().on("end", resolve))
      .on("error", reject)
      .end();
  });
}

const ada = { tenant: "acme", user: "ada@example.org, = ü" };
const header = `meterbridge.tenant=acme,meterbridge.user=${encodeURIComponent(ada.user)}`;

describe("attribution that leaves", () => {
  test("goes to no host that is not listed, whoever injects it", async () => {
    startWith();
    const { port, headers } = await receiver();
    await withAttribution(ada, async () => {
      const injected = {};
      propagation.inject(context.active(), injected);
      await fetch(`http://127.0.0.1:${port}/`, { headers: injected });
      await byNode({ port, host: "127.0.0.1", headers: injected });
    });
    expect(headers.map(({ baggage }) => baggage)).toEqual([undefined, undefined]);
  });

  test("goes to a host that is listed, by fetch and by node:http, and only with that port where one is named", async () => {
    const listed = await receiver();
    const other = await receiver();
    startWith({ baggageHosts: [`127.0.0.1:${listed.port}`] });
    await withAttribution(ada, async () => {
      for (const { port } of [listed, other]) {
        await fetch(`http://127.0.0.1:${port}/`);
        await byNode({ port, host: "127.0.0.1" });
      }
    });
    expect(listed.headers.map(({ baggage }) => baggage)).toEqual([header, header]);
    expect(other.headers.map(({ baggage }) => baggage)).toEqual([undefined, undefined]);
  });

  test("does not follow a redirect to another host", async () => {
    const elsewhere = await receiver();
    const listed = await receiver();
    startWith({ baggageHosts: [`127.0.0.1:${listed.port}`] });
    const target = encodeURIComponent(`http://127.0.0.1:${elsewhere.port}/`);
    await withAttribution(ada, () => fetch(`http://127.0.0.1:${listed.port}/?to=${target}`));
    expect(listed.headers[0]?.["baggage"]).toBe(header);
    expect(elsewhere.headers).toHaveLength(1);
    expect(elsewhere.headers[0]?.["baggage"]).toBeUndefined();
  });

  test("stands beside the baggage of others, which goes everywhere as ever", async () => {
    const listed = await receiver();
    const other = await receiver();
    startWith({ baggageHosts: [`127.0.0.1:${listed.port}`] });
    const theirs = propagation.createBaggage({ theirs: { value: "1" }, "meterbridge.tenant": { value: "forged" } });
    await context.with(propagation.setBaggage(context.active(), theirs), () =>
      withAttribution(ada, async () => {
        const injected = {};
        propagation.inject(context.active(), injected);
        expect(injected).toMatchObject({ baggage: "theirs=1" });
        for (const { port } of [listed, other]) {
          await fetch(`http://127.0.0.1:${port}/`, { headers: injected });
          await byNode({ port, host: "127.0.0.1", headers: injected });
        }
      }),
    );
    const sent = listed.headers.map(({ baggage }) => baggage?.toString().replaceAll(", ", ","));
    expect(sent).toEqual([`theirs=1,${header}`, `theirs=1,${header}`]);
    expect(other.headers.map(({ baggage }) => baggage)).toEqual(["theirs=1", "theirs=1"]);
  });

  test("is told by the host that is connected to, not by a Host header", async () => {
    startWith({ baggageHosts: ["billing.internal"] });
    const { port, headers } = await receiver();
    await withAttribution(ada, () => byNode({ port, host: "127.0.0.1", headers: { host: "billing.internal" } }));
    expect(headers[0]?.["baggage"]).toBeUndefined();
  });

  test("does not go through a socket of the file system, nor along with what an exporter sends", async () => {
    const socketPath = path.join(tmpdir(), `meterbridge-${process.pid}-${await freePort()}.sock`);
    const local = await receiver(socketPath);
    const listed = await receiver();
    startWith({ baggageHosts: ["*"] });
    await withAttribution(ada, async () => {
      await byNode({ socketPath });
      await context.with(suppressTracing(context.active()), () => byNode({ port: listed.port, host: "127.0.0.1" }));
    });
    expect([...local.headers, ...listed.headers].map(({ baggage }) => baggage)).toEqual([undefined, undefined]);
  });

  test("keeps no request from being sent, however it is written", async () => {
    startWith({ baggageHosts: ["*"] });
    const { port, headers } = await receiver();
    await withAttribution({ tenant: "\uD800" }, () => fetch(`http://127.0.0.1:${port}/`));
    await withAttribution(ada, () => byNode({ port, host: "127.0.0.1", headers: ["host", "localhost", "a", "b"] }));
    await withAttribution(ada, async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      get(`http://127.0.0.1:${port}/`, { headers: { expect: "100-continue" } }, resolve);
      await promise;
    });
    expect(headers).toHaveLength(3);
  });

  test("stays where it is after shutdown()", async () => {
    startWith({ baggageHosts: ["*"] });
    await sdk?.shutdown();
    const { port, headers } = await receiver();
    await withAttribution(ada, () => fetch(`http://127.0.0.1:${port}/`));
    expect(headers[0]?.["baggage"]).toBeUndefined();
  });
});

describe("attribution that comes in", () => {
  const incoming = { baggage: `${header},theirs=1` };
  const taken = () => {
    const extracted = propagation.extract(ROOT_CONTEXT, incoming);
    return context.with(extracted, () => ({
      attribution: currentAttribution(),
      theirs: propagation.getActiveBaggage()?.getEntry("theirs")?.value,
    }));
  };

  test("is nobody's word to take, unless callers are trusted; what else is in the baggage is kept", async () => {
    startWith();
    expect(taken()).toEqual({ attribution: {}, theirs: "1" });
    await sdk?.shutdown();
    startWith({ baggageTrusted: true });
    expect(taken()).toEqual({ attribution: ada, theirs: "1" });
    await sdk?.shutdown();
    startWith({ baggageTrusted: true, attributionBaggage: false });
    expect(taken()).toEqual({ attribution: {}, theirs: "1" });
  });

  test("is not passed on to hosts that are not listed, taken or not", async () => {
    startWith({ baggageTrusted: true });
    const passedOn = {};
    propagation.inject(propagation.extract(ROOT_CONTEXT, incoming), passedOn);
    expect(passedOn).toEqual({ baggage: "theirs=1" });
  });
});

describe("beside a propagator that somebody else has registered, which sends baggage to every host", () => {
  const injected = () => {
    const carrier: { baggage?: string } = {};
    withAttribution(ada, () => propagation.inject(context.active(), carrier));
    return carrier.baggage;
  };
  beforeEach(() => {
    propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CBaggagePropagator()] }));
  });

  test("attribution is kept out of its reach, and still goes to the hosts that are listed", async () => {
    const { port, headers } = await receiver();
    startWith({ baggageHosts: [`127.0.0.1:${port}`] });
    expect(injected()).toBeUndefined();
    await withAttribution(ada, () => fetch(`http://127.0.0.1:${port}/`));
    expect(headers[0]?.["baggage"]).toBe(header);
  });

  test("that callers are trusted is told to have no effect", () => {
    startWith({ baggageTrusted: true });
    expect(injected()).toBeUndefined();
    expect(logger.lines.join("\n")).toContain("what callers send is not taken");
  });

  test("it is left to that propagator where every host may have it and every caller is trusted", () => {
    startWith({ baggageTrusted: true, baggageHosts: ["*"] });
    expect(injected()).toBe(header);
  });
});
