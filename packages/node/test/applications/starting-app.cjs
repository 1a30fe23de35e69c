// The same in CommonJS.
require("@meterbridge/node").start();
module.exports = require("./app.cjs");
