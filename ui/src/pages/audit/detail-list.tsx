import { Text } from '@mantine/core';
import { PageLink } from '@/components/link';
import { at } from '@/api/client';
import { bytes, local, utc } from '@/components/time';

/** What an event says beyond its columns, as names and values that people read. All of it is text. */
export function DetailList({ detail }: { detail: Record<string, unknown> }) {
  const entries = Object.entries(detail).filter(([, value]) => value !== null && value !== undefined);
  if (entries.length === 0) return <Text size="sm" c="dimmed">The event says no more.</Text>;
  return (
    <dl style={{ display: 'grid', gridTemplateColumns: 'minmax(90px, max-content) minmax(0, 1fr)', gap: '4px 18px', margin: 0, fontSize: '0.8125rem' }}>
      {entries.map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <Text component="dt" size="sm" c="dimmed">
            {name.replaceAll('_', ' ')}
          </Text>
          <dd style={{ margin: 0, overflowWrap: 'anywhere' }}>
            <Value name={name} value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ name, value }: { name: string; value: unknown }): React.ReactNode {
  if (Array.isArray(value)) {
    if (value.length === 0) return '–';
    if (name === 'policies') return value.map((id, i) => <span key={i}>{i > 0 && ', '}<Grant id={id} /></span>);
    return value.every((item) => typeof item !== 'object') ? value.map(String).join(', ') : <Raw value={value} />;
  }
  if (typeof value === 'object' && value !== null) return <DetailList detail={value as Record<string, unknown>} />;
  if (name === 'policy') return <Grant id={value} />;
  return plain(name, value);
}

function Grant({ id }: { id: unknown }) {
  return typeof id === 'number' ? <PageLink to={at`/policies/${id}`}>{`#${id}`}</PageLink> : String(id);
}

function Raw({ value }: { value: unknown }) {
  return <pre className="mono" style={{ margin: 0, whiteSpace: 'pre-wrap' }}>{JSON.stringify(value, null, 1)}</pre>;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A value without parts: instants in the viewer's zone, sizes and times in their units. */
export function plain(name: string, value: unknown): React.ReactNode {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') {
    if (/bytes|(^|_)size$/.test(name)) return bytes(value);
    if (name.endsWith('_milliseconds')) return `${(value / 1000).toLocaleString()} s`;
    return String(value);
  }
  const text = String(value);
  if (INSTANT.test(text)) return <time dateTime={text} title={utc(text)}>{local(text, true)}</time>;
  return /digest|hash|fingerprint|key$|public/.test(name) ? <span className="mono">{text}</span> : text;
}
