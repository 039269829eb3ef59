import { Article, Passage } from '~/components/Article';
import { TextLink } from '~/components/Text';

export default function Returns() {
  return (
    <Article
      name="Returns"
      lead="Stoa is a demonstration shop. Nothing is sent, so there is nothing to send back; an order can be cancelled instead."
    >
      <Passage title="Cancelling an order">
        <p>
          Open the order and choose to cancel it. That works from the moment it is placed until a day after it is
          confirmed. The things go back on the shelf, and whatever the test card was asked for is given back in full.
        </p>
        <div>
          <TextLink to="/account/orders">Find the order</TextLink>
        </div>
      </Passage>
      <Passage title="If a payment does not go through">
        <p>Then nothing is taken from the test card, and what you wanted is free again for you or for somebody else.</p>
      </Passage>
    </Article>
  );
}
