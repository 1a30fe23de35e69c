// The application under measurement: an Express application with one route.
const express = require("express");

const application = express();
application.get("/users/:id", (request, response) => response.json({ id: request.params.id }));
application.listen(0, "127.0.0.1", () => console.log("listening"));

setTimeout(() => console.log(`rss ${process.memoryUsage.rss()}`), Math.max(0, 500 - process.uptime() * 1000));
