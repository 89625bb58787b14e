import { notifications } from '@mantine/notifications';
import { sentenceOf } from '@/api/problem';

/** Something was done. */
export function done(message: string): void {
  notifications.show({ message, color: 'verdigris', withBorder: true });
}

/** Something was refused or failed. */
export function failed(error: unknown, title?: string): void {
  notifications.show({ title, message: sentenceOf(error), color: 'brick', withBorder: true, autoClose: 12_000, role: 'alert' });
}

/** Something happened elsewhere that whoever looks should know. */
export function noticed(title: string, message: string, color = 'brass'): void {
  notifications.show({ title, message, color, withBorder: true, autoClose: 15_000 });
}
