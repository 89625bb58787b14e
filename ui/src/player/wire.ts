import { api, at, href } from '@/api/client';
import { Problem } from '@/api/problem';
import type { LiveFrame, LivePage, Wire } from './source';

/** RFC 6455 section 7.4.1: the server will not have it. */
const REFUSED = 1008;
/** For a push to open (ms). */
const PATIENCE = 5_000;

/** The wire of one channel of a session. */
export function wireOf(session: string, channel: number): Wire {
  const path = at`/sessions/${session}/live`;
  return {
    page: (after) => api.get<LivePage>(path, { query: { after, channel } }),
    push: (told) => push(socketUrl(href(path, { channel })), channel, told),
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    final: (error) => error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429 && error.status !== 408,
  };
}

function socketUrl(path: string): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${path}`;
}

function push(url: string, channel: number, told: Parameters<Wire['push']>[0]): () => void {
  const socket = new WebSocket(url);
  const late = setTimeout(() => socket.close(), PATIENCE);
  socket.onopen = () => {
    clearTimeout(late);
    told.opened();
  };
  socket.onmessage = (message: MessageEvent<unknown>) => {
    const frame = typeof message.data === 'string' ? parse(message.data) : null;
    if (frame !== null && (frame.channel === undefined || frame.channel === channel)) told.frame(frame);
  };
  socket.onclose = (event) => {
    clearTimeout(late);
    told.closed(event.code === REFUSED ? event.reason || 'You may not watch this session any more.' : null);
  };
  return () => socket.close();
}

function parse(text: string): LiveFrame | null {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof frame === 'object' && frame !== null ? (frame as LiveFrame) : null;
  } catch {
    return null;
  }
}
