import { metricFamilies, type MetricName } from "./families.ts";

/** Values by family and by the rest of their line; plain data, so that workers can send it. */
export type MetricSamples = ReadonlyMap<MetricName, ReadonlyMap<string, number>>;

/** Takes values for a page. */
export interface SampleSink {
  /** Adds `value` to the line `<name><rest>`; `rest` is its labels in braces, after a suffix if the family has some. */
  add(name: MetricName, rest: string, value: number): void;
}

/** Values that add up. */
export function createSamples(): { readonly samples: MetricSamples; readonly sink: SampleSink } {
  const samples = new Map<MetricName, Map<string, number>>();
  const sink: SampleSink = {
    add(name, rest, value) {
      let family = samples.get(name);
      if (family === undefined) samples.set(name, family = new Map());
      family.set(rest, (family.get(rest) ?? 0) + value);
    },
  };
  return { samples, sink };
}

/** The sums of several pages: one for each worker. */
export function mergeSamples(pages: readonly MetricSamples[]): MetricSamples {
  const { samples, sink } = createSamples();
  for (const page of pages) {
    for (const [name, family] of page) {
      for (const [rest, value] of family) sink.add(name, rest, value);
    }
  }
  return samples;
}

/** A page in the Prometheus text format, version 0.0.4. Families without a value are named all the same. */
export function renderSamples(samples: MetricSamples): string {
  const lines: string[] = [];
  for (const name of toNames(metricFamilies)) {
    const [type, help] = metricFamilies[name];
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [rest, value] of samples.get(name) ?? []) lines.push(`${name}${rest} ${value}`);
  }
  return lines.join("\n") + "\n";
}

/** Labels without braces; values are escaped. */
export function toLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",");
}

function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : value;
}

function toNames(families: typeof metricFamilies): MetricName[] {
  const isName = (name: string): name is MetricName => name in families;
  return Object.keys(families).filter(isName);
}
