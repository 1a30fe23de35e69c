// prom-client as its README sets it up: the default registry, the default metrics, a server to scrape.
const { createServer } = require("node:http");
const { collectDefaultMetrics, register } = require("prom-client");

collectDefaultMetrics();

createServer((_request, response) => {
  response.setHeader("content-type", register.contentType);
  register.metrics().then(
    (text) => response.end(text),
    (error) => response.destroy(error),
  );
}).listen(0, "127.0.0.1");
