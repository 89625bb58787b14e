import { Alert, Button, Group } from '@mantine/core';
import { Fragment, useEffect, useState } from 'react';
import type { Tagged } from '@/api/client';

interface EditBaseProps<T> extends Tagged<T> {
  /** The form; it says whether something was typed. */
  children: (base: Tagged<T>, typed: (dirty: boolean) => void) => React.ReactNode;
}

/**
 * What a form begins with. The thing is read again while it is edited; what was typed stays, and whoever types is told
 * that somebody else has changed it.
 */
export function EditBase<T>({ value, tag, children }: EditBaseProps<T>) {
  const [base, setBase] = useState<Tagged<T>>({ value, tag });
  const [dirty, setDirty] = useState(false);
  const moved = base.tag !== tag;
  useEffect(() => {
    if (moved && !dirty) setBase({ value, tag });
  }, [moved, dirty, value, tag]);
  return (
    <div>
      {moved && dirty && (
        <Alert color="brass" title="Changed meanwhile" mb="sm">
          <Group justify="space-between">
            Somebody else has changed this. What you typed is still here, but cannot be saved over it.
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                setDirty(false);
                setBase({ value, tag });
              }}
            >
              Show it as it is now
            </Button>
          </Group>
        </Alert>
      )}
      <Fragment key={base.tag}>{children(base, setDirty)}</Fragment>
    </div>
  );
}
