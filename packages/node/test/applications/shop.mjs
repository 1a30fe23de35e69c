// An Express application in ES modules that asks another service and a database to answer. Prints where it listens.
import { currentAttribution, withAttribution } from "@meterbridge/core";
import express from "express";
import pg from "pg";

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
  const stock = await fetch(`${process.env.STOCK_URL}/stock/${id}`);
  const { rows } = await pool.query("SELECT $1::int AS id", [id]);
  return { order: rows[0], stock: await stock.json() };
}

const server = app.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
