import { Problem, offline, problemOf } from './problem';

/** The root of the API; every path below is relative to it. */
export const API = '/api/v1';

export type QueryValue = string | number | boolean | null | undefined;
export type Query = Record<string, QueryValue | readonly string[]>;

/** A thing with the tag by which an edit of it is made safe against somebody else's. */
export interface Tagged<T> {
  value: T;
  tag: string | null;
}

interface Options {
  query?: Query;
  /** `If-Match`: the edit is refused (412) if the thing has changed since. */
  tag?: string | null;
  signal?: AbortSignal;
}

/** What the rest of the page does when the server asks for a sign-in. */
interface Hooks {
  /** Nobody is signed in any more. */
  unauthenticated: () => void;
  /** The action needs a fresh sign-in; resolves true when there is one now. */
  confirm: () => Promise<boolean>;
}

const hooks: Hooks = { unauthenticated: () => undefined, confirm: () => Promise.resolve(false) };
let csrf: string | null = null;
let lastInput = Date.now();

/** Requests made by the page itself, this long after the last key or pointer, do not keep the sign-in alive (ms). */
const IDLE_AFTER = 15_000;

export function onClient(given: Partial<Hooks>): void {
  Object.assign(hooks, given);
}

/** The token that proves that a change comes from this page; `GET /session` tells it. */
export function rememberCsrf(token: string | null): void {
  csrf = token;
}

if (typeof window !== 'undefined') {
  for (const kind of ['pointerdown', 'keydown', 'wheel']) {
    window.addEventListener(kind, () => (lastInput = Date.now()), { passive: true, capture: true });
  }
}

/** A path whose values are encoded: at`/users/${name}/addresses/${range}`. */
export function at(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(String(values[i - 1] ?? '')) + part);
}

/** `?a=1&b=x&b=y`, or nothing; what is empty is left out. */
export function queryString(query: Query | undefined): string {
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (Array.isArray(value)) for (const item of value) all.append(key, item);
    else if (value !== null && value !== undefined && value !== '') all.append(key, String(value));
  }
  const text = all.toString();
  return text === '' ? '' : `?${text}`;
}

/** The address of a list or file for a link that the browser follows by itself. */
export function href(path: string, query?: Query): string {
  return `${API}${path}${queryString(query)}`;
}

export const api = {
  get: async <T>(path: string, options?: Options): Promise<T> => (await answer<T>('GET', path, undefined, options)).value,
  /** One thing, with its tag. */
  one: <T>(path: string, options?: Options): Promise<Tagged<T>> => answer<T>('GET', path, undefined, options),
  post: async <T = void>(path: string, body: unknown = {}, options?: Options): Promise<T> =>
    (await answer<T>('POST', path, body, options)).value,
  /** A `POST` that makes something: sent twice (a lost answer), it makes one. */
  create: <T>(path: string, body: unknown): Promise<T> => create<T>(path, body),
  put: async <T = void>(path: string, body: unknown = {}, options?: Options): Promise<T> =>
    (await answer<T>('PUT', path, body, options)).value,
  patch: async <T = void>(path: string, body: unknown, options?: Options): Promise<T> =>
    (await answer<T>('PATCH', path, body, options)).value,
  del: async <T = void>(path: string, options?: Options): Promise<T> =>
    (await answer<T>('DELETE', path, undefined, options)).value,
};

async function answer<T>(method: string, path: string, body: unknown, options: Options = {}, key?: string): Promise<Tagged<T>> {
  let response = await send(method, path, body, options, key);
  if (response.status === 403) {
    const problem = await problemOf(response);
    if (problem.code !== 'confirm' || !(await hooks.confirm())) throw problem;
    response = await send(method, path, body, options, key);
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401 && !path.startsWith('/session')) hooks.unauthenticated();
    throw problem;
  }
  return { value: await read<T>(response), tag: response.headers.get('ETag') };
}

async function read<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  const type = response.headers.get('Content-Type') ?? '';
  if (type.includes('json')) return (await response.json()) as T;
  const text = await response.text();
  return (text === '' ? undefined : text) as T;
}

async function send(method: string, path: string, body: unknown, options: Options, key?: string): Promise<Response> {
  const headers = new Headers({ Accept: 'application/json, application/problem+json' });
  if (method === 'GET') {
    if (Date.now() - lastInput > IDLE_AFTER) headers.set('X-Gatehouse-Background', '1');
  } else {
    if (csrf !== null) headers.set('X-Gatehouse-CSRF', csrf);
    if (body !== undefined) headers.set('Content-Type', 'application/json');
  }
  if (options.tag) headers.set('If-Match', options.tag);
  if (key !== undefined) headers.set('Idempotency-Key', key);
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(href(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw offline();
  }
}

/** 128 random bits; `crypto.randomUUID` is missing where the page came without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Keys of creations whose answer never came, by what was sent. */
const unanswered = new Map<string, string>();

async function create<T>(path: string, body: unknown): Promise<T> {
  const what = `${path} ${JSON.stringify(body)}`;
  const key = unanswered.get(what) ?? randomKey();
  unanswered.set(what, key);
  try {
    const { value } = await answer<T>('POST', path, body, {}, key);
    unanswered.delete(what);
    return value;
  } catch (error) {
    // A refusal is an answer; only what may have been made all the same is asked for again with the same key.
    if (error instanceof Problem && error.status > 0 && error.status < 500) unanswered.delete(what);
    throw error;
  }
}
