import { ButtonLink } from '~/components/Button';
import { Page } from '~/components/Page';
import { Title } from '~/components/Text';

/** An address that leads nowhere. */
export function NotFound() {
  return (
    <Page name="Not found" narrow>
      <Title>Nothing stands here</Title>
      <p className="mt-4 mb-8 text-lead text-muted">The address may be old, or a letter went missing on the way.</p>
      <ButtonLink to="/shop/search">See everything</ButtonLink>
    </Page>
  );
}
