import { describe, expect, it } from 'vitest';
import { treeOf } from './tree';

describe('the tree of groups', () => {
  it('stands by its parents, sorted', () => {
    const tree = treeOf([
      { name: 'ops', parent: 'staff' },
      { name: 'vendors', parent: null },
      { name: 'staff', parent: null },
      { name: 'dev', parent: 'staff' },
    ]);
    expect(tree.map((branch) => branch.value)).toEqual(['staff', 'vendors']);
    expect(tree[0]?.children.map((branch) => branch.value)).toEqual(['dev', 'ops']);
  });

  it('shows a group at the top whose parent is not there', () => {
    expect(treeOf([{ name: 'ops', parent: 'gone' }]).map((branch) => branch.value)).toEqual(['ops']);
  });
});
