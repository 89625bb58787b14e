/** The two kinds of groups, which differ in words and paths only. */
export interface GroupKind {
  path: '/user-groups' | '/server-groups';
  page: '/user-groups' | '/server-groups';
  title: string;
  one: string;
  member: 'user' | 'server';
  memberPage: '/people' | '/servers';
  members: string;
  /** What a grant to such a group means. */
  about: string;
  touches: readonly string[];
}

export const USER_GROUPS: GroupKind = {
  path: '/user-groups',
  page: '/user-groups',
  title: 'Groups of people',
  one: 'group of people',
  member: 'user',
  memberPage: '/people',
  members: 'People',
  about: 'A grant to a group holds for its members and for everybody in the groups below.',
  touches: ['/user-groups', '/users', '/policies'],
};

export const SERVER_GROUPS: GroupKind = {
  path: '/server-groups',
  page: '/server-groups',
  title: 'Groups of servers',
  one: 'group of servers',
  member: 'server',
  memberPage: '/servers',
  members: 'Servers',
  about: 'A grant to a group covers the servers in it and in the groups below.',
  touches: ['/server-groups', '/servers', '/policies'],
};
