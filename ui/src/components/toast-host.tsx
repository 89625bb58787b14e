import { lazy, Suspense, useSyncExternalStore } from 'react';
import { toastsWanted, watchToasts } from './toast';

const Toasts = lazy(() => import('./toasts'));

export function ToastHost() {
  const wanted = useSyncExternalStore(watchToasts, toastsWanted);
  return <Suspense fallback={null}>{wanted && <Toasts />}</Suspense>;
}
