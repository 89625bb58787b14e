/** Shapes of the API, as `docs/reference/api.md` has them. Instants are RFC 3339 in UTC, durations are text. */
export type * from './basics';
export type * from './oneself';
export type * from './directory';
export type * from './grants';
export type * from './sessions';
export type * from './requests';
export type * from './site';
