import { type ExporterHarness, testExporter, testParity } from "@meterbridge/testkit";
import { file } from "meters-to-file";
import { type FileBackend, fileBackend } from "./file-backend.ts";

const harness: ExporterHarness<FileBackend> = {
  startBackend: fileBackend,
  create: ({ path }) => file({ path }),
  faults: ["is down"],
};

testExporter("file", harness);
testParity([{ name: "file", harness }]);
