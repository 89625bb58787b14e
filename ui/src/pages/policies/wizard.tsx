import { Page } from '@/components/page';

export default function PoliciesWizardPage() {
  return <Page title="Policies wizard">Being built.</Page>;
}
