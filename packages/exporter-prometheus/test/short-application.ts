// Starts the exporter, works for as long as it is told, and stops nothing: the process should end by itself.
import { startExporter } from "./started-exporter.ts";

const { meter, port } = await startExporter();
meter.createCounter("work.done").add(1);
console.log(`listening at ${port}`);
setTimeout(() => {}, Number(process.argv[2]));
