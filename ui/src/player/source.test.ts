import { describe, expect, test } from 'vitest';
import { EventLog, type CastEvent } from './log';
import { Source, type LiveFrame, type LivePage, type SourceState, type Wire } from './source';

/** A server with a recording that grows, whose waits pass at once. */
class Server implements Wire {
  events: CastEvent[] = [];
  ended = false;
  asked: (number | null)[] = [];
  pushes: { opened: () => void; frame: (frame: LiveFrame) => void; closed: (refusal: string | null) => void }[] = [];
  refuse: Error[] = [];
  pageSize = Infinity;
  onWait: () => void = () => undefined;

  page = async (after: number | null): Promise<LivePage> => {
    this.asked.push(after);
    const wrong = this.refuse.shift();
    if (wrong !== undefined) throw wrong;
    const rest = this.events.filter(([t]) => t > (after ?? -1));
    const events = rest.slice(0, this.pageSize);
    return { channel: 0, header: { version: 2, width: 100, height: 30 }, events, next: events.at(-1)?.[0] ?? after, ended: this.ended && events.length === rest.length };
  };
  push: Wire['push'] = (told) => {
    this.pushes.push(told);
    return () => told.closed(null);
  };
  wait = async (): Promise<void> => {
    this.onWait();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  final = (error: unknown): boolean => error instanceof TypeError;
}

function filled(server: Server, most?: number) {
  const log = new EventLog();
  const states: SourceState[] = [];
  const ends: (string | null)[] = [];
  const source = new Source(log, server, { grown: () => undefined, state: (state) => states.push(state), ended: (reason) => ends.push(reason) }, most);
  const run = source.run();
  return { log, source, states, ends, run, texts: () => Array.from({ length: log.length }, (_, i) => log.text(i)).join('') };
}

const until = (condition: () => boolean) => expect.poll(condition, { timeout: 2_000, interval: 1 }).toBe(true);

describe('a closed session', () => {
  test('is read page by page to its end', async () => {
    const server = new Server();
    server.events = Array.from({ length: 10 }, (_, i) => [i, 'o', 'x'.repeat(100_000)]);
    server.pageSize = 3;
    server.ended = true;
    const { log, run, states } = filled(server);
    await run;
    expect(server.asked).toEqual([null, 2, 5, 8]);
    expect(log.length).toBe(10);
    expect([log.complete, log.caughtUp, log.initial.cols]).toEqual([true, true, 100]);
    expect(states.at(-1)).toEqual({ kind: 'complete' });
    expect(server.pushes).toEqual([]);
  });

  test('a server that cannot be reached is asked again, one that refuses is not', async () => {
    const server = new Server();
    server.events = [[0, 'o', 'a']];
    server.ended = true;
    server.refuse = [new Error('gone'), new Error('gone')];
    const first = filled(server);
    await first.run;
    expect(first.texts()).toBe('a');
    server.refuse = [new TypeError('no')];
    const second = filled(server);
    await second.run;
    expect(second.states.at(-1)?.kind).toBe('failed');
  });

  test('one that is too long is cut, and says so', async () => {
    const server = new Server();
    server.events = Array.from({ length: 10 }, (_, i) => [i, 'o', 'x'.repeat(100_000)]);
    server.pageSize = 1;
    server.ended = true;
    const { log, run, states } = filled(server, 450_000);
    await run;
    expect(log.length).toBe(5);
    expect(states.at(-1)).toEqual({ kind: 'cut' });
  });
});

describe('a session that runs', () => {
  test('what is pushed joins what was read, without a hole and without repeating', async () => {
    const server = new Server();
    server.events = [[0, 'o', 'a']];
    const { texts, source, states, run } = filled(server);
    await until(() => server.pushes.length === 1);
    // Written before the push began to listen, and read by the page after it.
    server.events.push([1, 'o', 'b'], [2, 'o', 'c']);
    server.pushes[0]?.opened();
    server.pushes[0]?.frame({ channel: 0, events: [[2, 'o', 'c'], [3, 'o', 'd']] });
    await until(() => texts() === 'abcd');
    await until(() => states.at(-1)?.kind === 'live');
    server.pushes[0]?.frame({ channel: 0, events: [[3, 'o', 'e']] });
    expect(texts()).toBe('abcde');
    source.stop();
    await run;
  });

  test('after a push that broke off it is asked for, then pushed again', async () => {
    const server = new Server();
    server.events = [[0, 'o', 'a']];
    const { texts, source, run } = filled(server);
    await until(() => server.pushes.length === 1);
    server.pushes[0]?.closed(null);
    server.events.push([1, 'o', 'b']);
    await until(() => texts() === 'ab');
    await until(() => server.pushes.length === 2);
    source.stop();
    await run;
  });

  test('its end is told at once, and the rest is read', async () => {
    const server = new Server();
    const { log, texts, ends, run } = filled(server);
    await until(() => server.pushes.length === 1);
    server.pushes[0]?.opened();
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.events.push([5, 'o', 'z']);
    server.ended = true;
    server.pushes[0]?.frame({ ended: true, reason: 'killed' });
    server.pushes[0]?.closed(null);
    await run;
    expect(ends[0]).toBe('killed');
    expect([texts(), log.complete]).toEqual(['z', true]);
  });

  test('who may not look any more is told why', async () => {
    const server = new Server();
    const { states, run } = filled(server);
    await until(() => server.pushes.length === 1);
    server.pushes[0]?.closed('your role was taken away');
    await run;
    const last = states.at(-1);
    expect(last?.kind === 'failed' && (last.error as Error).message).toBe('your role was taken away');
  });

  test('what was too much is marked', async () => {
    const server = new Server();
    server.events = [[4, 'o', 'a']];
    const { log, source, run, states } = filled(server);
    await until(() => server.pushes.length === 1);
    server.pushes[0]?.opened();
    await until(() => states.at(-1)?.kind === 'live');
    server.pushes[0]?.frame({ channel: 0, skipped: 4096 });
    expect(log.marks).toEqual([{ t: 4, kind: 'skipped', text: '4096 bytes came too fast and are not shown' }]);
    source.stop();
    await run;
  });
});
