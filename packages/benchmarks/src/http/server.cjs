// The application under measurement: `server.cjs VARIANT`, one route of one framework that does nothing. Tells its port, and when asked
// the processor time it has used, over the channel to its parent.
const variant = process.argv[2];
const middleware = process.env.MIDDLEWARE === undefined ? undefined : require(process.env.MIDDLEWARE);

const answer = JSON.stringify({ id: 42, name: "Ada Lovelace" });

const servers = {
  "node:http": () => {
    const { createServer } = require("node:http");
    return createServer((request, response) => {
      middleware?.node(request, response);
      response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      response.end(answer);
    });
  },
  express: () => {
    const express = require("express");
    const application = express();
    if (middleware !== undefined) application.use(middleware.express);
    application.get("/users/:id", (_request, response) => response.type("json").send(answer));
    return require("node:http").createServer(application);
  },
  fastify: () => {
    const application = require("fastify")();
    if (middleware !== undefined) middleware.fastify(application);
    application.get("/users/:id", (_request, reply) => reply.type("application/json").send(answer));
    return application;
  },
};

const server = servers[variant]();
if (variant === "fastify") {
  server.listen({ port: 0, host: "127.0.0.1" }).then(() => process.send({ port: server.server.address().port }));
} else {
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
}
process.on("message", () => process.send({ processorTime: process.cpuUsage() }));
process.on("disconnect", () => process.exit());
