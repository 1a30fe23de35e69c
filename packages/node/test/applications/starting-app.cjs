// The same in CommonJS.
require("@meterbridge/node").start();
require("./app.cjs");
