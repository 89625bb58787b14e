import type { Group } from '@/api/shapes';

export interface Branch {
  value: string;
  label: string;
  children: Branch[];
}

/** Groups as a tree by their parents, sorted by name. A group whose parent is not there stands at the top. */
export function treeOf(groups: readonly Pick<Group, 'name' | 'parent'>[]): Branch[] {
  const branches = new Map(groups.map((group) => [group.name, { value: group.name, label: group.name, children: [] as Branch[] }]));
  const top: Branch[] = [];
  for (const group of groups) {
    const branch = branches.get(group.name);
    const parent = group.parent === null ? undefined : branches.get(group.parent);
    if (branch !== undefined) (parent?.children ?? top).push(branch);
  }
  const sort = (list: Branch[]) => {
    list.sort((a, b) => a.label.localeCompare(b.label));
    for (const branch of list) sort(branch.children);
  };
  sort(top);
  return top;
}
