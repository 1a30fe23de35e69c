// The application under measurement: a server that does nothing.
const { createServer } = require("node:http");

createServer((_request, response) => response.end("ok")).listen(0, "127.0.0.1", () => console.log("listening"));

setTimeout(() => console.log(`rss ${process.memoryUsage.rss()}`), Math.max(0, 500 - process.uptime() * 1000));
