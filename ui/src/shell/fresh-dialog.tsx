import { Modal } from '@mantine/core';
import Confirm from '@/pages/sign-in/confirm';

export default function FreshDialog({ open, leave, done }: { open: boolean; leave: () => void; done: () => void }) {
  return (
    <Modal opened={open} onClose={leave} title="Confirm that it is you" zIndex={400} size="sm">
      {open && <Confirm done={done} />}
    </Modal>
  );
}
