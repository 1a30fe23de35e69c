/**
 * Bucket boundaries. The convention's lists end at 81.92 s, where reasoning models saturate them; ours go on to 655.36 s,
 * a documented deviation (semantic-conventions-genai, client-inference.md @024a4f9).
 */
export const modelCallSeconds: readonly number[] = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36,
];

/** Tokens of one call (token-metrics.yaml @066d4a7). */
export const tokens: readonly number[] = [
  1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
];

/** `gen_ai.invoke_workflow.duration` (gen-ai-metrics.md @004902b). */
export const workflowSeconds: readonly number[] = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];

/** `gen_ai.invoke_agent.duration` (gen-ai-metrics.md @004902b), with one more for long-running agents. */
export const agentSeconds: readonly number[] = [
  0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6, 819.2,
];

/** `mcp.*.duration` (semantic-conventions v1.41.0, mcp.md). */
export const mcpSeconds: readonly number[] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** HTTP and database durations (semantic-conventions 1.45.0). */
export const requestSeconds: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
export const databaseSeconds: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** From a quick check to a job of two hours. */
export const jobSeconds: readonly number[] = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];

/** One call's cost: most are far below a dollar. */
export const callDollars: readonly number[] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** Context handed to a model: 1 KiB to 16 MiB. */
export const contextBytes: readonly number[] = [
  1024, 4096, 16384, 65536, 262144, 524288, 1048576, 2097152, 4194304, 16777216,
];

/** Documents found by one retrieval. */
export const documents: readonly number[] = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 100];
