import { Article, Passage } from '~/components/Article';
import { TextLink } from '~/components/Text';

export default function Contact() {
  return (
    <Article
      name="Contact"
      lead="Stoa is a demonstration shop, and nobody sits at its desk. Whoever runs this copy of it is the one to ask."
    >
      <Passage title="Something went wrong">
        <p>
          A message about an error comes with a number to quote, and a button that copies it. With that number whoever
          runs this shop finds in its log what happened, step by step.
        </p>
      </Passage>
      <Passage title="An order">
        <p>What has happened to an order, and what can still be done about it, stands on a page of its own.</p>
        <div>
          <TextLink to="/account/orders">Find the order</TextLink>
        </div>
      </Passage>
    </Article>
  );
}
