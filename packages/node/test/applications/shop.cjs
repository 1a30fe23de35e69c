// The same in CommonJS, by node:http in place of fetch.
const http = require("node:http");
const { currentAttribution, withAttribution } = require("@meterbridge/core");
const express = require("express");
const pg = require("pg");

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const app = express();
app.get("/orders/:id", (request, response) =>
  withAttribution({ tenant: "acme", user: "ada@example.org" }, async () => {
    response.json(await order(request.params.id));
  }),
);
app.get("/stock/:id", (request, response) => {
  response.json({ attribution: currentAttribution(), baggage: request.headers.baggage ?? null });
});

async function order(id) {
  const stock = await get(`${process.env.STOCK_URL}/stock/${id}`);
  const { rows } = await pool.query("SELECT $1::int AS id", [id]);
  return { order: rows[0], stock };
}

const server = app.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));

function get(url) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve(JSON.parse(body)));
    });
    request.on("error", reject);
  });
}
