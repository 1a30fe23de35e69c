// Preloaded beside the service: when the demo is gone, however it ended, so is the service.
process.channel?.unref();
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
