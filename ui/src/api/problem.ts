/** What `code` of a problem can be; see the design of the web. */
export type ProblemCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'confirm'
  | 'not_found'
  | 'conflict'
  | 'in_use'
  | 'invalid'
  | 'changed'
  | 'rate_limited'
  | 'unavailable'
  | 'internal'
  | 'offline';

export interface FieldError {
  field: string;
  detail: string;
}

/** A refusal of the server (RFC 9457), or that it could not be reached (`offline`, status 0). */
export class Problem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  /** The one field that is wrong, if it is one. */
  readonly field: string | null;
  /** Every wrong field with its sentence; holds `field` too. */
  readonly errors: FieldError[];
  /** Seconds after which to try again, where the server said so. */
  readonly retryAfter: number | null;

  constructor(init: {
    status: number;
    code: ProblemCode;
    detail: string;
    field?: string | null;
    errors?: FieldError[];
    retryAfter?: number | null;
  }) {
    super(init.detail);
    this.name = 'Problem';
    this.status = init.status;
    this.code = init.code;
    this.field = init.field ?? null;
    this.errors = init.errors ?? [];
    if (this.field !== null && !this.errors.some((error) => error.field === this.field)) {
      this.errors = [{ field: this.field, detail: init.detail }, ...this.errors];
    }
    this.retryAfter = init.retryAfter ?? null;
  }
}

const CODE_OF: Record<number, ProblemCode> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'changed',
  422: 'invalid',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** Reads a refusal, whatever stands in its body: a proxy in between may answer HTML. */
export async function problemOf(response: Response): Promise<Problem> {
  const body = await readObject(response);
  const text = (key: string) => (typeof body[key] === 'string' ? (body[key] as string) : null);
  const retry = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return new Problem({
    status: response.status,
    code: (text('code') as ProblemCode | null) ?? CODE_OF[response.status] ?? 'internal',
    detail: sentence(text('detail') ?? text('title') ?? `the server answered with status ${response.status}`),
    field: text('field'),
    errors: fieldErrors(body.errors),
    retryAfter: Number.isFinite(retry) ? Math.max(0, Math.ceil(retry)) : null,
  });
}

export function offline(): Problem {
  return new Problem({ status: 0, code: 'offline', detail: 'The server cannot be reached. Check the network and try again.' });
}

/** The sentence to show for whatever was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return 'Something went wrong. Try again.';
}

/** Puts the sentences where a form looks for them; what has no field of the form is left over. */
export function splitErrors(problem: Problem, fields: readonly string[]): { at: Record<string, string>; rest: string | null } {
  const at: Record<string, string> = {};
  const rest: string[] = [];
  for (const { field, detail } of problem.errors) {
    const known = fieldFor(field, fields);
    if (known === null) rest.push(sentence(detail));
    else at[known] = at[known] === undefined ? sentence(detail) : `${at[known]} ${sentence(detail)}`;
  }
  if (problem.errors.length === 0) rest.push(problem.message);
  return { at, rest: rest.length > 0 ? rest.join(' ') : null };
}

/** `services[0].port` and `logins.2` belong to the form's `services` and `logins`. */
function fieldFor(field: string, fields: readonly string[]): string | null {
  if (fields.includes(field)) return field;
  const top = field.split(/[.[]/, 1)[0] ?? '';
  return fields.includes(top) ? top : null;
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { field, detail } = item as Record<string, unknown>;
    return typeof field === 'string' && typeof detail === 'string' ? [{ field, detail }] : [];
  });
}

async function readObject(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The server's sentences begin in lower case and have no full stop, as errors of its crates do. */
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
