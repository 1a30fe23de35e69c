/** One line of a metrics page. */
export interface Sample {
  /** Prometheus name, for example `llm_requests_total`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads a Prometheus metrics page; throws when it cannot be had. */
export async function scrape(url: string): Promise<readonly Sample[]> {
  const response = await fetch(url, { headers: { accept: "text/plain" }, signal: AbortSignal.timeout(3_000) });
  const page = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parseMetricsPage(page);
}

const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** The samples of a page in the text format 0.0.4. */
function parseMetricsPage(page: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of page.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, labelText = "", value] = samplePattern.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
    const labels: Record<string, string> = {};
    for (const [, label = "", text = ""] of labelText.matchAll(labelPattern)) {
      labels[label] = text.replace(/\\./g, (escape) => escapes[escape] ?? escape);
    }
    samples.push({ name, labels, value: Number(value.replace("Inf", "Infinity")) });
  }
  return samples;
}
