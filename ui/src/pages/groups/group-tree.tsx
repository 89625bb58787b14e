import { ActionIcon, Alert, Badge, Text, Tree, useTree } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { IconChevronRight, IconGripVertical } from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api } from '@/api/client';
import { sentenceOf } from '@/api/problem';
import type { Group } from '@/api/shapes';
import { PageLink } from '@/components/link';
import { done } from '@/components/toast';
import type { GroupKind } from './kinds';
import { treeOf } from './tree';
import classes from './tree.module.css';

interface Dragging {
  dragged: string | null;
  over: string | null;
}

/** Stands for the top level among the names of groups; no name begins with a space. */
const TOP = ' top';

/** The groups as a tree. A group dragged onto another one goes below it, if the server agrees. */
export function GroupTree({ kind, groups, fixed }: { kind: GroupKind; groups: Group[]; fixed: boolean }) {
  const data = useMemo(() => treeOf(groups), [groups]);
  const tree = useTree();
  useOpenAtFirst(tree, groups);
  const [drag, setDrag] = useState<Dragging>({ dragged: null, over: null });
  const [refused, setRefused] = useState<string | null>(null);
  const queries = useQueryClient();
  const drop = async (name: string, onto: string) => {
    setDrag({ dragged: null, over: null });
    const parent = onto === TOP ? null : onto;
    if (name === onto || groups.find((group) => group.name === name)?.parent === parent) return;
    setRefused(null);
    try {
      await api.patch(`${kind.path}/${encodeURIComponent(name)}`, { parent });
      done(parent === null ? `${name} is at the top.` : `${name} is below ${parent}.`);
      await queries.invalidateQueries({ predicate: (query) => kind.touches.includes(String(query.queryKey[0])) });
    } catch (error) {
      // Nothing was moved on the screen before the answer, so the tree is as it was.
      setRefused(sentenceOf(error));
    }
  };
  const counts = new Map(groups.map((group) => [group.name, group.members_count ?? group.members?.length ?? 0]));
  const target = (name: string) => targetProps(name, drag, setDrag, drop);
  return (
    <>
      {refused !== null && (
        <Alert color="brick" mb="sm" title="Not moved" withCloseButton closeButtonLabel="Close" onClose={() => setRefused(null)} role="alert">
          {refused}
        </Alert>
      )}
      {!fixed && (
        <div className={classes.top} {...target(TOP)}>
          Drag a group onto another one to put it below; here to put it at the top.
        </div>
      )}
      <Tree
        data={data}
        tree={tree}
        levelOffset={24}
        aria-label={kind.title}
        renderNode={({ node, expanded, hasChildren, elementProps }) => (
          <div
            {...elementProps}
            className={`${elementProps.className} ${classes.node}`}
            data-dragged={drag.dragged === node.value}
            draggable={!fixed}
            onDragStart={(event) => {
              event.stopPropagation();
              event.dataTransfer.effectAllowed = 'move';
              event.dataTransfer.setData('text/plain', node.value);
              setDrag({ dragged: node.value, over: null });
            }}
            onDragEnd={() => setDrag({ dragged: null, over: null })}
            {...target(node.value)}
          >
            {!fixed && (
              <span className={classes.grip} aria-hidden>
                <IconGripVertical size={15} />
              </span>
            )}
            <Twist open={expanded} shown={hasChildren} name={node.value} />
            <PageLink to={`${kind.page}/${encodeURIComponent(node.value)}`}>{node.value}</PageLink>
            <Badge color="gray" size="sm">
              {counts.get(node.value) ?? 0}
            </Badge>
            <Text size="xs" c="dimmed" truncate>
              {groups.find((group) => group.name === node.value)?.description}
            </Text>
          </div>
        )}
      />
    </>
  );
}

function targetProps(name: string, drag: Dragging, setDrag: (drag: Dragging) => void, drop: (name: string, onto: string) => Promise<void>) {
  return {
    'data-over': drag.over === name && drag.dragged !== name,
    onDragOver: (event: React.DragEvent) => {
      if (drag.dragged === null) return;
      event.preventDefault();
      event.stopPropagation();
      if (drag.over !== name) setDrag({ ...drag, over: name });
    },
    onDragLeave: () => drag.over === name && setDrag({ ...drag, over: null }),
    onDrop: (event: React.DragEvent) => {
      event.preventDefault();
      event.stopPropagation();
      const dragged = drag.dragged ?? event.dataTransfer.getData('text/plain');
      if (dragged !== '') void drop(dragged, name);
    },
  };
}

function Twist({ open, shown, name }: { open: boolean; shown: boolean; name: string }) {
  if (!shown) return <span style={{ width: 22 }} />;
  return (
    <ActionIcon component="span" variant="subtle" color="gray" size={22} aria-label={`${open ? 'Close' : 'Open'} ${name}`}>
      <IconChevronRight size={15} style={{ rotate: open ? '90deg' : undefined, transition: 'rotate 120ms' }} />
    </ActionIcon>
  );
}

/** The library looks at an initial state only before the data are there, so it is set when they have come. */
function useOpenAtFirst(tree: ReturnType<typeof useTree>, groups: Group[]): void {
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || groups.length === 0) return;
    opened.current = true;
    tree.setExpandedState(Object.fromEntries(groups.map((group) => [group.name, true])));
  }, [groups, tree]);
}
