// A query whose failure nobody handles: that has to end the process, metered or not.
const pg = require("pg");

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
void client.connect().then(() => {
  void client.query("SELECT nonsense");
});
