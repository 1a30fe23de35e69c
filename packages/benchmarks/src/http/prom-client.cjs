// prom-client as its users have it: a histogram by method, route and status, timed from the middleware to the end of the answer.
const { Histogram } = require("prom-client");

const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Duration of HTTP requests",
  labelNames: ["method", "route", "status_code"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
});

exports.node = (request, response) => {
  const end = duration.startTimer();
  response.on("finish", () => end({ method: request.method, route: "", status_code: response.statusCode }));
};

exports.express = (request, response, next) => {
  const end = duration.startTimer();
  response.on("finish", () => {
    end({ method: request.method, route: request.route?.path ?? "", status_code: response.statusCode });
  });
  next();
};

exports.fastify = (application) => {
  application.addHook("onRequest", (request, _reply, done) => {
    request.end = duration.startTimer();
    done();
  });
  application.addHook("onResponse", (request, reply, done) => {
    request.end({ method: request.method, route: request.routeOptions.url ?? "", status_code: reply.statusCode });
    done();
  });
};
