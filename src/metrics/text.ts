import { FAMILIES, type FamilyName, type Sample } from './families';

/**
 * Prometheus' text format 0.0.4, as the textfile collector of node_exporter takes it: without times of its own.
 * Source: prometheus.io/docs/instrumenting/exposition_formats
 */
export function renderMetrics(samples: readonly Sample[]): string {
  const names = Object.keys(FAMILIES) as FamilyName[];
  const blocks = names.flatMap((name) => {
    const lines = samples.filter((sample) => sample.name === name).map(lineOf);
    return lines.length === 0 ? [] : [`# HELP ${name} ${FAMILIES[name].help}`, `# TYPE ${name} gauge`, ...lines];
  });
  return blocks.map((line) => `${line}\n`).join('');
}

function lineOf({ name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value === Infinity ? '+Inf' : value}`;
}

/** Of names that people give. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
