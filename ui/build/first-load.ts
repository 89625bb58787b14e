import { gzipSync } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

/** What a first page may weigh before it is usable, scripts and styles, compressed with gzip (bytes). */
const MOST = 200_000;
/** The pages that people see first, with what each consists of. */
const FIRST: Record<string, string[]> = {
  'sign-in': ['src/pages/sign-in/index.tsx'],
  dashboard: ['src/shell/shell.tsx', 'src/pages/dashboard/index.tsx'],
  'my access': ['src/shell/shell.tsx', 'src/pages/mine/access.tsx'],
};

/** Fails the build where a first page has become too heavy. */
export function firstLoad(): Plugin {
  return {
    name: 'gatehouse-first-load',
    apply: 'build',
    writeBundle(_, bundle) {
      const files = Object.values(bundle);
      const chunks = files.filter((file) => file.type === 'chunk');
      const entry = chunks.find((chunk) => chunk.isEntry);
      const styles = files.filter((file) => file.type === 'asset' && /^assets\/(index|shell)-.*\.css$/.test(file.fileName));
      for (const [page, modules] of Object.entries(FIRST)) {
        const starts = chunks.filter((chunk) => chunk === entry || modules.some((module) => chunk.facadeModuleId?.endsWith(module)));
        if (starts.length !== modules.length + 1) this.error(`the code of the page "${page}" was not found; see build/first-load.ts`);
        const size = [...reached(starts, bundle), ...styles].reduce((sum, file) => sum + weight(file), 0);
        const words = `${page}: ${Math.round(size / 1000)} kB before it is usable`;
        if (size > MOST) this.error(`${words}, more than ${MOST / 1000} kB; load what it does not need at once later`);
        this.info(words);
      }
    },
  };
}

function reached(starts: Rolldown.OutputChunk[], bundle: Rolldown.OutputBundle): Set<Rolldown.OutputChunk> {
  const seen = new Set<Rolldown.OutputChunk>();
  const visit = (chunk: Rolldown.OutputChunk) => {
    if (seen.has(chunk)) return;
    seen.add(chunk);
    for (const name of chunk.imports) {
      const next = bundle[name];
      if (next?.type === 'chunk') visit(next);
    }
  };
  for (const chunk of starts) visit(chunk);
  return seen;
}

function weight(file: Rolldown.OutputChunk | Rolldown.OutputAsset): number {
  return gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length;
}
