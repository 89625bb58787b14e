import { Page } from '@/components/page';

export default function SignInPage() {
  return <Page title="Sign in">Being built.</Page>;
}
