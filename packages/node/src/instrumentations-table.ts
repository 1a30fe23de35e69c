/** An instrumentation of OpenTelemetry's that is known by a short name: `pg` is `@opentelemetry/instrumentation-pg`. */
export interface KnownInstrumentation {
  readonly name: string;
  /**
   * The packages of which one has to be installed for it to be of use; a scope ends in `/*`. Empty: it instruments Node.js itself. Null:
   * not on unless it is named, because it is noisy or counts what we count.
   */
  readonly libraries: readonly string[] | null;
}

/** Those of auto-instrumentations-node 0.82.0, and what they instrument. */
export const knownInstrumentations: readonly KnownInstrumentation[] = [
  { name: "http", libraries: [] },
  { name: "undici", libraries: [] },
  { name: "amqplib", libraries: ["amqplib"] },
  { name: "aws-lambda", libraries: null },
  { name: "aws-sdk", libraries: ["@aws-sdk/*", "aws-sdk"] },
  { name: "bunyan", libraries: ["bunyan"] },
  { name: "cassandra-driver", libraries: ["cassandra-driver"] },
  { name: "connect", libraries: ["connect"] },
  { name: "cucumber", libraries: null },
  { name: "dataloader", libraries: ["dataloader"] },
  { name: "dns", libraries: null },
  { name: "express", libraries: ["express"] },
  { name: "fs", libraries: null },
  { name: "generic-pool", libraries: ["generic-pool"] },
  { name: "graphql", libraries: ["graphql"] },
  { name: "grpc", libraries: ["@grpc/grpc-js"] },
  { name: "hapi", libraries: ["@hapi/hapi"] },
  { name: "host-metrics", libraries: null },
  { name: "ioredis", libraries: ["ioredis"] },
  { name: "kafkajs", libraries: ["kafkajs"] },
  { name: "knex", libraries: ["knex"] },
  { name: "koa", libraries: ["koa"] },
  { name: "lru-memoizer", libraries: ["lru-memoizer"] },
  { name: "memcached", libraries: ["memcached"] },
  { name: "mongodb", libraries: ["mongodb"] },
  { name: "mongoose", libraries: ["mongoose"] },
  { name: "mysql", libraries: ["mysql"] },
  { name: "mysql2", libraries: ["mysql2"] },
  { name: "nestjs-core", libraries: ["@nestjs/core"] },
  { name: "net", libraries: null },
  { name: "openai", libraries: null },
  { name: "oracledb", libraries: ["oracledb"] },
  { name: "pg", libraries: ["pg"] },
  { name: "pino", libraries: ["pino"] },
  { name: "redis", libraries: ["redis", "@redis/client"] },
  { name: "restify", libraries: ["restify"] },
  { name: "router", libraries: ["router"] },
  { name: "runtime-node", libraries: null },
  { name: "socket.io", libraries: ["socket.io"] },
  { name: "tedious", libraries: ["tedious"] },
  { name: "winston", libraries: ["winston"] },
];

/** Our own, which load nothing of anybody else's. */
export const ownInstrumentations = ["requests", "databases"] as const;
export type OwnInstrumentation = (typeof ownInstrumentations)[number];

export function packageOfInstrumentation(name: string): string {
  return name.includes("/") ? name : `@opentelemetry/instrumentation-${name}`;
}

export const autoPackage = "@opentelemetry/auto-instrumentations-node";
