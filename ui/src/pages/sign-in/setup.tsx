import { Page } from '@/components/page';

export default function SignInSetupPage() {
  return <Page title="Sign in setup">Being built.</Page>;
}
