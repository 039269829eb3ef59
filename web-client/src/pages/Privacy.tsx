import { Article, Passage } from '~/components/Article';
import { TextLink } from '~/components/Text';

/** All that the shop leaves in a browser, by the names it has there. */
const KEPT = [
  ['stoa.cart', 'What is in your cart, and how many of each.'],
  ['stoa.theme', 'Light or dark, once you have chosen.'],
  [
    'stoa.signed-in',
    'A mark, once you signed in: that there may be a session to go on with, or one that the shop has still to end.',
  ],
  [
    'stoa.attempt',
    'Your payment, from the moment the checkout first opens, so that none is made twice: its number, the number of your account and of your orders before it, and, from the press until the answer is known, the things, the payment method and the time. It goes when you sign out; what was never answered may stay for a later visit.',
  ],
  [
    'stoa.owners',
    'Which orders this tab has fetched and, by a number made of the account’s, whose they are: whoever goes back to another’s finds nothing there. It goes with the tab.',
  ],
  ['tsr-scroll-restoration', 'How far down you had read, for the way back. It goes with the tab.'],
] as const;

export default function Privacy() {
  return (
    <Article
      name="Privacy"
      lead="This shop knows what you tell it and what you do in it, and tells nobody. There is no advertising, nothing that counts visitors, and nothing on these pages comes from anywhere else."
    >
      <Passage title="What this browser keeps">
        <p>Six small notes. Clearing this site’s data in the browser removes them.</p>
        <dl className="grid gap-x-6 gap-y-1 sm:grid-cols-[auto_minmax(0,1fr)] sm:gap-y-3">
          {KEPT.map(([name, what]) => (
            <div key={name} className="mb-2 sm:contents">
              <dt>
                <code>{name}</code>
              </dt>
              <dd className="text-muted">{what}</dd>
            </div>
          ))}
        </dl>
      </Passage>
      <Passage title="Two cookies">
        <p>
          <code>__Host-sid</code> keeps you signed in for up to fourteen days. <code>__Host-device</code> says that you
          signed in with this browser before, so that nobody keeps you out of your account by guessing at its password.
          It signs nobody in, and stays when you sign out, for 400 days. No script can read either, and they go to this
          shop alone. Visitors who do not sign in have none, so there is nothing to accept or refuse.
        </p>
      </Passage>
      <Passage title="What the shop keeps">
        <p>
          Your name, your e-mail, a password that cannot be read back, and your orders. It is all in the database of
          whoever runs this copy of Stoa, with what each of your devices calls itself while you are signed in on it. No
          e-mail is written to you but one about a forgotten password, and no card is asked for: the payment methods are
          for trying things out.
        </p>
        <div>
          <TextLink to="/account">See your account, or sign out everywhere</TextLink>
        </div>
      </Passage>
    </Article>
  );
}
