import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api, at, href, onClient, queryString, rememberCsrf } from './client';
import { Problem, splitErrors } from './problem';

type Sent = { url: string; method: string; headers: Headers; body: string | undefined };

let sent: Sent[];
let answers: (Response | Error)[];

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

beforeEach(() => {
  sent = [];
  answers = [];
  rememberCsrf('secret');
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    sent.push({ url, method: init.method ?? '', headers: init.headers as Headers, body: init.body as string | undefined });
    const next = answers.shift() ?? json(200, {});
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  onClient({ unauthenticated: () => undefined, confirm: () => Promise.resolve(false) });
});

describe('requests', () => {
  it('encode what stands in paths and queries', () => {
    expect(at`/users/${'p.mojski'}/addresses/${'10.0.0.0/8'}`).toBe('/users/p.mojski/addresses/10.0.0.0%2F8');
    expect(queryString({ a: 1, b: '', c: null, d: undefined, e: ['x', 'y'], f: false })).toBe('?a=1&e=x&e=y&f=false');
    expect(href('/users', { text: 'Ün al' })).toBe('/api/v1/users?text=%C3%9Cn+al');
  });

  it('prove themselves only where they change something', async () => {
    await api.get('/users');
    await api.patch('/users/a', { active: false }, { tag: '"7"' });
    expect(sent[0]?.headers.get('X-Gatehouse-CSRF')).toBeNull();
    expect(sent[1]?.headers.get('X-Gatehouse-CSRF')).toBe('secret');
    expect(sent[1]?.headers.get('If-Match')).toBe('"7"');
    expect(sent[1]?.body).toBe('{"active":false}');
  });

  it('bring the tag with the thing', async () => {
    answers = [json(200, { name: 'a' }, { ETag: '"7"' })];
    expect(await api.one('/users/a')).toEqual({ value: { name: 'a' }, tag: '"7"' });
  });

  it('read nothing where there is nothing', async () => {
    answers = [new Response(null, { status: 204 })];
    expect(await api.del('/users/a')).toBeUndefined();
  });
});

describe('creating', () => {
  it('keeps its key until there is an answer', async () => {
    answers = [new TypeError('network'), json(503, { detail: 'the database does not answer' }), json(201, { id: 1 }), json(201, { id: 2 })];
    await expect(api.create('/users', { name: 'a' })).rejects.toMatchObject({ code: 'offline', status: 0 });
    await expect(api.create('/users', { name: 'a' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await api.create('/users', { name: 'a' })).toEqual({ id: 1 });
    await api.create('/users', { name: 'a' });
    const keys = sent.map((request) => request.headers.get('Idempotency-Key'));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).toBe(keys[0]);
    expect(keys[3]).not.toBe(keys[0]);
  });

  it('takes another key for another body, and after a refusal', async () => {
    answers = [json(422, { detail: 'no', field: 'name' })];
    await expect(api.create('/users', { name: 'a' })).rejects.toBeInstanceOf(Problem);
    await api.create('/users', { name: 'a' });
    await api.create('/users', { name: 'b' });
    expect(new Set(sent.map((request) => request.headers.get('Idempotency-Key'))).size).toBe(3);
  });
});

describe('refusals', () => {
  it('name their fields', async () => {
    answers = [json(422, { detail: 'two fields are wrong', code: 'invalid', errors: [{ field: 'name', detail: 'is taken' }, { field: 'addresses[0]', detail: 'is held' }] })];
    const problem = await api.post('/users', {}).catch((error: unknown) => error as Problem);
    expect(problem).toBeInstanceOf(Problem);
    expect(splitErrors(problem as Problem, ['name', 'addresses'])).toEqual({ at: { name: 'Is taken.', addresses: 'Is held.' }, rest: null });
    expect(splitErrors(problem as Problem, ['name'])).toEqual({ at: { name: 'Is taken.' }, rest: 'Is held.' });
  });

  it('are sentences even where the answer is none', async () => {
    answers = [new Response('<html>Bad gateway</html>', { status: 502 })];
    await expect(api.get('/users')).rejects.toMatchObject({ code: 'unavailable', message: 'The server answered with status 502.' });
  });

  it('say how long to wait', async () => {
    answers = [json(429, { detail: 'too often' }, { 'Retry-After': '37' })];
    await expect(api.post('/session/password', {})).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 37 });
  });

  it('lead to the sign-in, but not while signing in', async () => {
    const unauthenticated = vi.fn();
    onClient({ unauthenticated });
    answers = [json(401, { detail: 'wrong' }), json(401, { detail: 'nobody' })];
    await expect(api.post('/session/password', {})).rejects.toBeInstanceOf(Problem);
    expect(unauthenticated).not.toHaveBeenCalled();
    await expect(api.get('/users')).rejects.toBeInstanceOf(Problem);
    expect(unauthenticated).toHaveBeenCalledOnce();
  });

  it('are tried again once it is confirmed who it is', async () => {
    onClient({
      confirm: () => {
        rememberCsrf('newer');
        return Promise.resolve(true);
      },
    });
    answers = [json(403, { detail: 'sign in again first', code: 'confirm' }), json(201, { token: 'gh_x' })];
    expect(await api.create('/tokens', { user: 'a' })).toEqual({ token: 'gh_x' });
    expect(sent).toHaveLength(2);
    expect(sent[1]?.headers.get('X-Gatehouse-CSRF')).toBe('newer');
    expect(sent[1]?.headers.get('Idempotency-Key')).toBe(sent[0]?.headers.get('Idempotency-Key'));
  });

  it('stay where it is not confirmed, or not asked for', async () => {
    answers = [json(403, { detail: 'sign in again first', code: 'confirm' }), json(403, { detail: 'not yours', code: 'forbidden' })];
    await expect(api.post('/tokens', {})).rejects.toMatchObject({ code: 'confirm' });
    await expect(api.post('/tokens', {})).rejects.toMatchObject({ code: 'forbidden' });
    expect(sent).toHaveLength(2);
  });
});
